// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import PeerService
import Trust

/// `drover trust`: whose word a host takes.
struct TrustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Say whose signatures a host wants to see before it uses a master.",
        discussion: """
            A trust root names the publishers and how many of them must sign. A host that has pinned one fetches and \
            activates only what enough of them have signed, and never goes back to an older version without a signed word \
            to do so. A host that has pinned none takes any master.

              drover key create alice.key && drover key create bob.key
              drover trust create --threshold 2 --publisher alice=$(drover key show alice.key) \\
                --publisher bob=$(drover key show bob.key) --key alice.key --key bob.key -o root.json
              drover trust pin root.json
            """,
        subcommands: [
            TrustCreate.self, TrustSign.self, TrustPin.self, TrustShow.self, TrustPublish.self, TrustRefresh.self,
        ])
}

struct TrustCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Write a trust root: the publishers, and how many must sign.",
        discussion: """
            It must be signed by enough of its own publishers, and from the second one on by enough of those that it takes \
            the place of, so that hosts believe it; `drover trust sign` adds the signatures of others. A root that leaves a \
            publisher out makes hosts forget how far that key may have run ahead.
            """)

    @Option(help: ArgumentHelp("1 for the first root, then one more for each.", valueName: "n"))
    var serial = 1

    @Option(help: ArgumentHelp("How many publishers must sign.", valueName: "k"))
    var threshold: Int

    @Option(
        name: .customLong("publisher"),
        help: ArgumentHelp(
            "Who may sign: a name for people and a public key, once for each.", valueName: "name=ed25519:…"))
    var publishers: [String]

    @Option(
        name: .customLong("key"), help: ArgumentHelp("A key to sign the root with.", valueName: "file"),
        completion: .file())
    var keys: [String] = []

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String

    func run() throws {
        let named = try publishers.map { text throws(HostFailure) in
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let name = parts.first, let key = parts.last.flatMap({ PublisherKey(String($0)) })
            else {
                throw HostFailure(
                    .usage, "'\(text)' is no publisher; write NAME=ed25519:…, with what `drover key show` prints")
            }
            return TrustRoot.Publisher(name: String(name), key: key)
        }
        let root = TrustRoot(serial: serial, threshold: threshold, keys: named)
        guard root.isSound else {
            throw HostFailure(
                .usage,
                "a root has 1 to \(TrustRoot.keyLimit) publishers with different names and keys, and a threshold of 1 to "
                    + "their number")
        }
        var envelope = try SignedEnvelope(root)
        for key in keys { try envelope.sign(with: KeyFile.read(key)) }
        try EnvelopeFile.write(envelope, to: output)
        let signers = envelope.signers(of: root).count
        Terminal.note(
            signers < threshold
                ? "\(output) has \(signers) of \(threshold) signatures; let others add theirs with `drover trust sign \(output)`"
                : "\(output) can be pinned")
    }
}

struct TrustSign: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Add a signature to a trust root, a statement about a master, or a pointer.",
        discussion: "It prints what is signed. Read it: a signature says that you agree with it.")

    @Argument(
        help: ArgumentHelp("The file with what is to be signed; it is changed.", valueName: "file"), completion: .file()
    )
    var file: String

    @Option(
        name: .customLong("key"), help: ArgumentHelp("A key to sign with.", valueName: "file"), completion: .file())
    var keys: [String]

    func run() throws {
        var envelope = try EnvelopeFile.read(file)
        // What cannot be understood is not signed.
        let words =
            switch envelope.payloadType {
            case TrustRoot.payloadType: try envelope.legible(TrustRoot.self)
            case MasterStatement.payloadType: try envelope.legible(MasterStatement.self)
            case LinePointer.payloadType: try envelope.legible(LinePointer.self)
            default: throw HostFailure(.usage, "\(file) is of a kind that this version does not know")
            }
        Terminal.data(words)
        for key in keys { try envelope.sign(with: KeyFile.read(key)) }
        try EnvelopeFile.write(envelope, to: file)
        Terminal.note("\(file) has \(envelope.signatures.count) signatures now")
    }
}

struct TrustPin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin",
        abstract: "Let this host trust the publishers of a root.",
        discussion: """
            Get the file by a way you trust: the first one pinned is believed as it is. A later one is taken only when it is \
            signed by enough publishers of both.
            """)

    @Argument(help: ArgumentHelp("The root's file.", valueName: "file"), completion: .file())
    var file: String

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let envelope = try EnvelopeFile.read(file)
        guard case .trust(let report) = try await store.ask(.pinTrust(Data(envelope.json)), create: true) else {
            throw HostFailure.unexpectedReply
        }
        try TrustShow.print(report, output)
    }
}

struct TrustShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show whom this host trusts, and what it has seen signed.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .trust(let report) = try await store.ask(.showTrust) else { throw HostFailure.unexpectedReply }
        try Self.print(report, output)
    }

    static func print(_ report: TrustReport?, _ output: OutputOptions) throws {
        guard output.format == .table else { return try OutputOptions.json(report) }
        guard let report else {
            return Terminal.data("no publishers are pinned: this host takes any master (`drover trust pin FILE`)")
        }
        Terminal.data("\(report.threshold) of these must sign (root \(report.serial)):")
        Terminal.data(
            Table(
                columns: ["publisher", "id", "key"], rows: report.publishers.map { [$0.name, $0.id, $0.key] }
            ).description)
        guard !report.lines.isEmpty else { return }
        Terminal.data("")
        Terminal.data(
            Table(
                columns: ["line", "highest seen", "pointer", "points to", "revoked"],
                rows: report.lines.map { line in
                    [
                        line.name, "\(line.highest)", line.pointer.map { "\($0)" } ?? "-",
                        line.current.map { "\(line.name)@\($0)" } ?? "-",
                        line.revoked.isEmpty ? "-" : line.revoked.map { "\($0)" }.joined(separator: ", "),
                    ]
                }
            ).description)
    }
}

struct TrustPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Give a tracker a signed statement or pointer, for all hosts to read.")

    @Argument(help: ArgumentHelp("The signed file.", valueName: "file"), completion: .file())
    var file: String

    @OptionGroup var tracker: TrackerOption
    @OptionGroup var credentials: TrackerCredentialOptions

    func run() async throws {
        let tracker = try tracker.url
        try await SignedCatalogue(tracker, credentials: credentials.read()).publish(EnvelopeFile.read(file))
        Terminal.note("\(file) is at \(tracker)")
    }
}

struct TrustRefresh: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh",
        abstract: "Ask trackers now what publishers say of the masters in the store.",
        discussion: "A running peer asks its own trackers every five minutes.")

    @Option(
        name: .customLong("tracker"), help: ArgumentHelp("A tracker to ask, beside the peer's own.", valueName: "url"))
    var trackers: [String] = []

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .refreshed(let report, let problems) = try await store.ask(.refreshTrust(trackers: trackers)) else {
            throw HostFailure.unexpectedReply
        }
        try TrustShow.print(report, output)
        guard let first = problems.first else { return }
        throw HostFailure(.partial, problems.count == 1 ? first : "\(first); and \(problems.count - 1) more like it")
    }
}
