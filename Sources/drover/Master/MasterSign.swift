// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Metainfo
import PeerService
import Trust

struct MasterSign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign that a name and version is this very content, so that hosts believe it.",
        discussion: """
            The statement names the master's version, size and content, and until when it holds. `drover master publish` \
            hands it on together with the .torrent. Where several publishers must sign, write it to a file with -o, let \
            each add a signature with `drover trust sign`, and publish it with `drover trust publish`.

              drover master sign debian@4 --key alice.key --key bob.key
              drover master publish debian@4 --tracker http://tracker:6969
            """)

    @Argument(help: ArgumentHelp("The master, NAME@VERSION.", valueName: "master"), completion: LiveNames.masters)
    var master: String

    @Option(help: ArgumentHelp("The lowest version that a host may go to this one from.", valueName: "version"))
    var follows: Int?

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("Also write it to this file.", valueName: "file"))
    var file: String?

    @Flag(help: "Make a new statement, not one more signature under the one that is there.")
    var anew = false

    @OptionGroup var signing: SigningOptions
    @OptionGroup var store: StoreOptions

    func run() async throws {
        let reference = try MasterReference(master)
        guard case .master(let report) = try await store.ask(.showMaster(reference)) else {
            throw HostFailure.unexpectedReply
        }
        guard let name = MasterName(name: report.name, version: report.version),
            let hash = report.infoHashV2.flatMap({ SHA256Digest(hexadecimal: $0) })
        else {
            throw HostFailure(.failed, "\(master) has no version 2 info-hash, which is what is signed; make it anew")
        }
        guard report.state == "registered" else {
            throw HostFailure(.verification, "\(name) is not to be signed: \(report.problem ?? report.state)")
        }
        let now = signing.now
        let statement = MasterStatement(
            name: name, infoHashV2: hash, size: report.size, created: now, expires: now + signing.expires.seconds,
            follows: follows)
        let envelope = try signing.sign(try await kept(name, statement) ?? SignedEnvelope(statement))
        _ = try await store.ask(.keepStatement(MasterReference(name), Data(envelope.json)))
        if let file { try EnvelopeFile.write(envelope, to: file) }
        Terminal.note("\(name) is signed, by \(envelope.signatures.count), until \(signing.expires) from now")
    }

    /// What another publisher has signed on this store, when it says the same and still holds: it gets one more signature.
    private func kept(_ name: MasterName, _ wanted: MasterStatement) async throws -> SignedEnvelope? {
        guard !anew, case .statement(let json?) = try await store.ask(.showStatement(MasterReference(name))) else {
            return nil
        }
        let envelope = try SignedEnvelope(json: json)
        var statement = try envelope.unchecked(MasterStatement.self)
        guard statement.expires > wanted.created else { return nil }
        (statement.created, statement.expires) = (wanted.created, wanted.expires)
        return statement == wanted ? envelope : nil
    }
}
