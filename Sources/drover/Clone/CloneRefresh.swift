// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Metainfo
import PeerService

struct CloneRefresh: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh",
        abstract: "Make clones of older versions anew of the active one; what was written to them is lost.",
        discussion: """
            A clone keeps its name, its MAC address and UUID, and its guest the host name, keys and user data of its seed \
            image, as a new instance. Clones that a machine has open are left as they are and listed; do not start one \
            meanwhile. Clones of newer versions than the active one are made anew too.

              drover clone refresh --stopped debian --dry-run
              drover clone refresh --stopped debian

            Exits with 6 when some could not be refreshed, running ones not counted.
            """)

    @Argument(
        help: ArgumentHelp("The name of the line of masters, without a version.", valueName: "name"),
        completion: LiveNames.lines)
    var name: String

    @Flag(help: "The clones that no machine has open; there are no others to be had.")
    var stopped = false

    @Flag(name: .customLong("dry-run"), help: "Say what would be done, and do nothing.")
    var dryRun = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard MasterName.isValid(name: name) else {
            throw HostFailure(.usage, "'\(name)' is not the name of a line of masters; write it without a version")
        }
        guard stopped else {
            throw HostFailure(.usage, "only stopped clones can be refreshed; say so with --stopped")
        }
        let request = HostRequest.refreshClones(line: name, dryRun: dryRun)
        guard case .refreshedClones(let report) = try await store.ask(request, quiet: output.quiet) else {
            throw HostFailure.unexpectedReply
        }
        if report.clones.isEmpty, output.format == .table {
            if !output.quiet { Terminal.note("every clone of \(name) is of \(report.master)") }
            return
        }
        try output.print(
            report, columns: ["clone", "from", "to", "outcome"],
            rows: report.clones.map { [$0.clone, $0.from, report.master, $0.outcome.rawValue] })
        let running = report.clones.filter { $0.outcome == .running }.count
        if running > 0, !output.quiet {
            Terminal.note(
                "\(running) running clone\(running == 1 ? " was" : "s were") left as \(running == 1 ? "it is" : "they are")"
            )
        }
        let problems = report.clones.filter { $0.outcome == .failed }.compactMap(\.reason)
        try HostFailure.check(
            problems: problems, hasDoneSome: report.clones.contains { $0.outcome == .refreshed })
    }
}
