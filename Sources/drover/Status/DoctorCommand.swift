// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FileLayer
import Glibc
import ImageStore
import PeerService
import ToolLayer

/// `drover doctor`: what this host can do, and what would help.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Look at this host: kernel, store, programs, hypervisors, clone backends, network, trackers, clock, certificate.",
        discussion: """
            Changes nothing but a file of 4 KiB that shows how fast the store's disk syncs, and goes again. A running peer answers for itself, since it is who makes the clones. Run it as root to see \
            what device-mapper and LVM can do.

            Each check is ok, a note (something that not everybody needs is missing), a warning (it works, and worse than it \
            could) or an error (Drover cannot do its work), and says what would help. Exits with 1 when there is an error.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = try await examine()
        switch output.format {
        case .json: try OutputOptions.json(report)
        case .table:
            for check in report.checks {
                Terminal.data("\(Self.sign(check.severity)) \(check.id): \(check.finding)")
                if let fix = check.fix { Terminal.data("        \(fix)") }
            }
            Terminal.data("auto tries \(report.autoOrder.joined(separator: ", ")): \(report.autoReason)")
        }
        if report.hasErrors { throw HostFailure(.failed, "this host is not fit for Drover; see the errors above") }
    }

    private func examine() async throws -> DoctorReport {
        guard access(store.layout.root, F_OK) == 0 else {
            return HostExamination(root: store.layout.root, files: PosixFiles(), tools: PosixTools())
                .reportWithoutStore()
        }
        guard case .examined(let report) = try await store.ask(.examine) else { throw HostFailure.unexpectedReply }
        return report
    }

    /// Words of one width.
    private static func sign(_ severity: DoctorReport.Severity) -> String {
        severity.rawValue + String(repeating: " ", count: 7 - severity.rawValue.count)
    }
}
