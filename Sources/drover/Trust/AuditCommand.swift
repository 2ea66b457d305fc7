// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AuditTrail
import FoundationEssentials
import PeerService

/// `drover audit`: what was done on this host that somebody may have to answer for.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show and check the trail of activations, rollbacks, trust and unsigned masters on this host.",
        discussion: """
            Each line of the trail vouches for all before it, so that a line that was changed or taken out is noticed. \
            A trail that was cut short at its end is not: keep its last hash in a second place.
            """,
        subcommands: [AuditList.self, AuditVerify.self])
}

struct AuditList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Print the trail, oldest first.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .audit(let report) = try await store.ask(.listAudit) else { throw HostFailure.unexpectedReply }
        try output.print(
            report, columns: ["no", "time", "who", "what", "to", "before", "after", "outcome"],
            rows: report.records.map { record in
                [
                    "\(record.number)", Date(timeIntervalSince1970: Double(record.at)).formatted(.iso8601),
                    record.actor,
                    record.action, record.subject, record.before ?? "-", record.after ?? "-", record.outcome,
                ]
            })
        if let problem = report.problem { throw AuditVerify.broken(problem) }
    }
}

struct AuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that no line of the trail was changed or taken out.")

    @OptionGroup var store: StoreOptions

    func run() async throws {
        guard case .audit(let report) = try await store.ask(.listAudit) else { throw HostFailure.unexpectedReply }
        if let problem = report.problem { throw Self.broken(problem) }
        Terminal.data("\(report.records.count) records, each of which fits those before it")
    }

    static func broken(_ problem: String) -> HostFailure {
        HostFailure(.verification, "the audit trail was changed: \(problem)")
    }
}
