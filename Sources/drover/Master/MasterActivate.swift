// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Metainfo
import PeerService

struct MasterActive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "active",
        abstract: "Show which version each bare NAME means on this host, and where it can go back to.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .active(let lines) = try await store.ask(.listActive) else { throw HostFailure.unexpectedReply }
        try Self.print(lines, output)
    }

    static func print(_ lines: [ActiveReport], _ output: OutputOptions) throws {
        try output.print(
            lines, columns: ["name", "active", "goes back to", "newest", "not again"],
            rows: lines.map { line in
                [
                    line.name, line.active.map { "\($0)" } ?? "-",
                    line.previous.isEmpty ? "-" : line.previous.map { "\($0)" }.joined(separator: ", "),
                    line.newest.map { "\($0)" } ?? "-",
                    line.denied.map { "\($0.version) (\($0.reason))" }.joined(separator: ", "),
                ]
            })
    }
}

struct MasterActivate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate",
        abstract: "Make a version the one that its bare NAME means for new clones.",
        discussion: """
            The change is one step: a clone is made of the old version or of the new one. Existing clones stay as they \
            are. The two versions that were active before are kept, so that `drover master rollback` can go back to them \
            without a network.

              drover master activate debian@4
              drover clone create debian --name web-9
            """)

    @Argument(help: ArgumentHelp("The master, NAME@VERSION.", valueName: "master"), completion: LiveNames.masters)
    var master: String

    @Flag(name: .customLong("clear-denial"), help: "Also when this host went back from it before.")
    var clearsDenial = false

    @Flag(help: "Also when no publisher that this host trusts has signed it; this is put on record.")
    var unsigned = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let reference = try MasterReference(master)
        guard reference.version != nil else {
            throw HostFailure(.usage, "'\(master)' names no version; write NAME@VERSION, such as debian@3")
        }
        let order = HostRequest.Activate(master: reference, clearsDenial: clearsDenial, unsigned: unsigned)
        guard case .active(let lines) = try await store.ask(.activate(order)) else { throw HostFailure.unexpectedReply }
        try MasterActive.print(lines, output)
    }
}

struct MasterRollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Go back to the version that was active before, at once and without a network.",
        discussion: """
            The version that is left is remembered as bad and not activated again before somebody says --clear-denial. \
            Clones that were made of it stay as they are.
            """)

    @Argument(help: ArgumentHelp("The line's name, without a version.", valueName: "name"), completion: LiveNames.lines)
    var name: String

    @Option(help: ArgumentHelp("Why, for those who come after.", valueName: "text"))
    var reason = "rolled back by hand"

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard MasterName.isValid(name: name) else {
            throw HostFailure(.usage, "'\(name)' is not the name of a line of masters; write it without a version")
        }
        guard case .active(let lines) = try await store.ask(.rollBack(line: name, reason: String(reason.prefix(200))))
        else {
            throw HostFailure.unexpectedReply
        }
        try MasterActive.print(lines, output)
    }
}
