// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct CloneRepair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Take away what interrupted work left behind: half-made clones, devices and volumes of no clone.",
        discussion: """
            Every command cleans up after an interrupted one by itself. This looks further: at every device-mapper device \
            and every volume of this store, also of clones whose record was lost. What is not provably this store's is left \
            alone. Prints what was taken away.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .repaired(let report) = try await store.ask(.repairClones) else {
            throw HostFailure.unexpectedReply
        }
        if output.format == .json {
            try OutputOptions.json(report)
        } else {
            for clone in report.clones { Terminal.data("clone \(clone)") }
            for thing in report.removed { Terminal.data(thing) }
            if report.clones.isEmpty, report.removed.isEmpty, report.problems.isEmpty, !output.quiet {
                Terminal.note("nothing was left behind")
            }
        }
        try HostFailure.check(
            problems: report.problems, hasDoneSome: !report.clones.isEmpty || !report.removed.isEmpty)
    }
}
