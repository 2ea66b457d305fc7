// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct CloneMap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map",
        abstract: "Make clones usable again that are block devices, after a restart of the host.",
        discussion: """
            The kernel forgets its device-mapper devices when it stops; files need no mapping. Mapping what is mapped \
            changes nothing. Needs root. deploy/systemd has a unit that does it before machines start, and deploy/libvirt \
            a hook that does it when one starts.

              drover clone map web-1
              drover clone map --all

            Prints the clones that were not usable before. Exits with 6 when some could not be mapped.
            """)

    @Argument(help: ArgumentHelp("The clones' names.", valueName: "clone"), completion: LiveNames.clones)
    var clones: [String] = []

    @Flag(help: "Every clone of the store.")
    var all = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("The clone with this device, if one has it; may be repeated.", valueName: "path"))
    var device: [String] = []

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard (clones.isEmpty && device.isEmpty) == all else {
            throw HostFailure(
                .usage, all ? "name clones or say --all, not both" : "which clones? name them, or say --all")
        }
        for path in device where !path.hasPrefix("/") {
            throw HostFailure(.usage, "'\(path)' is no device; give its whole path")
        }
        guard case .mapped(let report) = try await store.ask(.mapClones(all ? nil : clones + device)) else {
            throw HostFailure.unexpectedReply
        }
        if output.format == .json {
            try OutputOptions.json(report)
        } else {
            for clone in report.mapped { Terminal.data(clone) }
        }
        try HostFailure.check(problems: report.problems, hasDoneSome: !report.mapped.isEmpty)
    }
}

extension HostFailure {
    /// - Throws: the last of the problems, after the others were told.
    static func check(problems: [String], hasDoneSome: Bool) throws(HostFailure) {
        guard let last = problems.last else { return }
        for problem in problems.dropLast() { Terminal.note("drover: \(problem)") }
        throw HostFailure(hasDoneSome ? .partial : .failed, last)
    }
}
