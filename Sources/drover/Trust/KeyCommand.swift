// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService
import Trust

/// `drover key`: the keys that publishers sign with.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make and show the keys that publishers sign masters with.",
        discussion: """
            A key stays with its publisher: it is no part of a store, and never goes to a tracker or a host. What others \
            need is the public half, which `drover key show` prints.
            """,
        subcommands: [KeyCreate.self, KeyShow.self])
}

struct KeyCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make an Ed25519 key and print its public half.")

    @Argument(help: ArgumentHelp("The file to make; nobody but you will be able to read it.", valueName: "file"))
    var file: String

    func run() throws { try KeyShow.print(try KeyFile.create(file)) }
}

struct KeyShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print the public half of a key, which hosts are told to trust.")

    @Argument(help: ArgumentHelp("The key's file.", valueName: "file"), completion: .file())
    var file: String

    func run() throws { try Self.print(try KeyFile.read(file)) }

    static func print(_ key: SigningKey) throws {
        guard let publicKey = key.publicKey else {
            throw HostFailure(.failed, "the key has no public half; this is a bug")
        }
        Terminal.data("\(publicKey)")
    }
}
