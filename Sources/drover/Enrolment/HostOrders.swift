// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import PeerService

struct HostOrders: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orders",
        abstract: "Show what the fleet's tracker ordered of this host, and how far that is.",
        discussion: """
            An enrolled host follows the rollouts of its fleet while its peer runs. It keeps its orders in the store and goes \
            on with them while the tracker is away.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .orders(let report) = try await store.ask(.showOrders) else { throw HostFailure.unexpectedReply }
        try Self.print(report, output)
    }

    static func print(_ report: OrdersReport?, _ output: OutputOptions) throws {
        guard output.format == .table else { return try OutputOptions.json(report) }
        guard let report else {
            return Terminal.data("this host is enrolled in no fleet (`drover host enrol`)")
        }
        let heard = report.heardAt.map { Date(timeIntervalSince1970: Double($0)).formatted(.iso8601) }
        try output.print(
            report,
            fields: [
                "fleet": report.fleet, "epoch": report.epoch, "tracker heard": heard, "problem": report.problem,
            ])
        for line in report.lines {
            let code = line.code.map { " (\($0))" } ?? ""
            Terminal.data("\(line.master)  rollout \(line.rollout)  \(line.step): \(line.phase)\(code)")
        }
        guard let strange = report.strangeEpoch else { return }
        Terminal.note(
            "the tracker's data are others than before, as after the restoring of a backup (\(strange)); they are followed "
                + "after `drover host trust-epoch`")
    }
}

struct HostTrustEpoch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust-epoch",
        abstract: "Follow a tracker again whose data were restored from a backup.",
        discussion: """
            A restored tracker may not know what this host has done since the backup, so that a host does not follow it \
            before somebody has said that its rollouts are as they shall be. `drover host orders` shows what waits.
            """)

    @Argument(
        help: ArgumentHelp(
            "The epoch that you have looked at, so that no later one is meant. (default: the one that waits)",
            valueName: "epoch"))
    var epoch: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .orders(let report) = try await store.ask(.trustEpoch(epoch)) else {
            throw HostFailure.unexpectedReply
        }
        try HostOrders.print(report, output)
    }
}
