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

              drover master point debian@3 --tracker http://tracker:6969 \\
                --root root.json --key alice.key --key bob.key
            """)

    @Argument(help: ArgumentHelp("The master, NAME@VERSION.", valueName: "master"), completion: LiveNames.masters)
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

              drover master revoke debian@4 --tracker http://tracker:6969 \\
                --root root.json --key alice.key --key bob.key
            """)

    @Argument(help: ArgumentHelp("The master, NAME@VERSION.", valueName: "master"), completion: LiveNames.masters)
    var master: String

    @OptionGroup var pointer: PointerOptions

    func run() async throws {
        guard let name = MasterName(master) else { throw PointerOptions.notExact(master) }
        try await pointer.issue(of: name.name) { last, _ in
            // What the pointer went back from stays away when the version it went back to is revoked too.
            (last?.current == name.version ? nil : last?.current, last?.overrules, [name.version])
        }
    }
}

/// The options of the commands that sign a pointer.
struct PointerOptions: ParsableArguments {
    @OptionGroup var tracker: TrackerOption

    @Option(
        help: ArgumentHelp(
            "The trust root: what the tracker says of the line counts as far as its publishers have signed it.",
            valueName: "file"), completion: .file())
    var root: String

    @Option(
        help: ArgumentHelp(
            "The highest version there is, where the tracker cannot show a signed statement about it.",
            valueName: "version"))
    var over: Int?

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "Write the pointer to this file for others to sign, instead of publishing it.", valueName: "file"))
    var file: String?

    @OptionGroup var credentials: TrackerCredentialOptions
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
        let tracker = try tracker.url
        let catalogue = try SignedCatalogue(tracker, credentials: credentials.read())
        let trusted = try HostFailure.wrapping { try TrustRoot.first(EnvelopeFile.read(root)) }
        // A publisher must not sign what a tracker makes up.
        let last = try await catalogue.pointer(of: line).map { envelope in
            try HostFailure.wrapping { try envelope.statement(LinePointer.self, signedBy: trusted) }
        }
        let newest = try await catalogue.newestVersion(of: line, signedBy: trusted)
        if over == nil, newest.isUnsigned {
            throw HostFailure(
                .verification,
                "nobody has signed the version of \(line) that \(tracker) has as the newest; say with --over which "
                    + "one the highest is")
        }
        let (current, overrules, revoked) = place(last, over ?? newest.version)
        guard (last?.serial ?? 0) < LinePointer.serialLimit else {
            throw HostFailure(.failed, "the line has had \(LinePointer.serialLimit) pointers, which is the most")
        }
        let now = signing.now
        let pointer = LinePointer(
            name: line, serial: (last?.serial ?? 0) + 1, current: current, overrules: overrules,
            revoked: Array(Set(revoked + (last?.revoked ?? []))).sorted(), created: now,
            expires: now + signing.expires.seconds)
        let envelope = try signing.sign(pointer)
        Terminal.data(try envelope.legible(LinePointer.self))
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
