// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Metainfo
import PeerService
import Trust

struct MasterPoint: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "point",
        abstract: "Sign that a line of masters stands at a version again, so that hosts may go back to it.",
        discussion: """
            A host that trusts publishers refuses what is older than it has seen. This is the word that lets it go back, \
            and keeps it from the versions in between. It does not move any host by itself.

              drover master point debian@3 --tracker http://tracker:6969 --key alice.key --key bob.key
            """)

    @Argument(help: ArgumentHelp("The master, NAME@VERSION.", valueName: "master"))
    var master: String

    @OptionGroup var pointer: PointerOptions

    func run() async throws {
        guard let name = MasterName(master) else { throw PointerOptions.notExact(master) }
        try await pointer.issue(of: name.name) { last, newest in
            (name.version, max(name.version, newest ?? 0, last?.overrules ?? 0), [])
        }
    }
}

struct MasterRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Sign that a version must not be used any more.",
        discussion: """
            Hosts that trust publishers stop serving it, fetch it no more and make no clones of it as soon as they hear of \
            it. Clones that exist keep running. A version stays revoked for ever; a mended image gets a higher version.

              drover master revoke debian@4 --tracker http://tracker:6969 --key alice.key --key bob.key
            """)

    @Argument(help: ArgumentHelp("The master, NAME@VERSION.", valueName: "master"))
    var master: String

    @OptionGroup var pointer: PointerOptions

    func run() async throws {
        guard let name = MasterName(master) else { throw PointerOptions.notExact(master) }
        try await pointer.issue(of: name.name) { last, _ in
            let current = last?.current == name.version ? nil : last?.current
            return (current, current == nil ? nil : last?.overrules, [name.version])
        }
    }
}

/// The options of the commands that sign a pointer.
struct PointerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The tracker that has the line, such as http://tracker:6969.", valueName: "url"))
    var tracker: String

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "Write the pointer to this file for others to sign, instead of publishing it.", valueName: "file"))
    var file: String?

    @OptionGroup var signing: SigningOptions

    static func notExact(_ text: String) -> HostFailure {
        HostFailure(.usage, "'\(text)' names no version; write NAME@VERSION, such as debian@3")
    }

    /// Signs the pointer that comes after the one that the tracker has.
    /// - Parameter place: from the last pointer and the newest version at the tracker: the new pointer's current version,
    ///   what it overrules, and what it revokes beside what was revoked before.
    func issue(
        of line: String, _ place: (LinePointer?, Int?) -> (current: Int?, overrules: Int?, revoked: [Int])
    ) async throws {
        let catalogue = try SignedCatalogue(tracker)
        let last = try await catalogue.pointer(of: line)?.unchecked(LinePointer.self)
        let (current, overrules, revoked) = place(last, try await catalogue.newestVersion(of: line))
        let now = signing.now
        let pointer = LinePointer(
            name: line, serial: (last?.serial ?? 0) + 1, current: current, overrules: overrules,
            revoked: Array(Set(revoked + (last?.revoked ?? []))).sorted(), created: now,
            expires: now + signing.expires.seconds)
        let envelope = try signing.sign(pointer)
        guard let file else {
            try await catalogue.publish(envelope)
            return Terminal.note(
                "pointer \(pointer.serial) of \(line) is at \(tracker), signed by \(envelope.signatures.count)")
        }
        try EnvelopeFile.write(envelope, to: file)
        Terminal.note(
            "pointer \(pointer.serial) of \(line) is in \(file); add signatures with `drover trust sign`, then `drover trust publish`"
        )
    }
}
