// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetIdentity
import FoundationEssentials
import TrackerService

/// `drover-tracker fleet`: the fleet's own certificate authority.
struct FleetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet", abstract: "Make the authority that the hosts of a fleet trust.",
        subcommands: [FleetCreate.self, FleetShow.self])
}

struct FleetCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a folder with a new authority: a certificate and its key.",
        discussion: """
            Whoever has the key can make hosts of the fleet. Keep a copy of the folder where it is safe: the masters of a \
            fleet name its authority, and without it no host can be enrolled and no certificate be renewed.
            """)

    @Argument(help: ArgumentHelp("The folder to make.", valueName: "dir"))
    var folder: String

    @Option(help: ArgumentHelp("The fleet's name, for people.", valueName: "name"))
    var name: String

    func validate() throws {
        guard (1...64).contains(name.utf8.count) else { throw ValidationError("A fleet's name has 1 to 64 bytes.") }
    }

    func run() throws {
        let authority = try TrackerFailure.wrapping(folder) { folder in
            let authority = try FleetAuthority(fleet: name, now: Date())
            try FleetFolder.keep(authority, in: folder)
            return authority
        }
        print(authority.anchor.fingerprint)
    }
}

struct FleetShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print the fingerprint of a fleet's authority, and its certificate.")

    @Argument(help: ArgumentHelp("The authority's folder.", valueName: "dir"))
    var folder: String

    func run() throws {
        let anchor = try TrackerFailure.wrapping(folder, FleetFolder.open).anchor
        print(anchor.fingerprint)
        print(anchor.pem, terminator: "")
    }
}

extension TrackerFailure {
    static func wrapping<Value>(_ folder: String, _ body: (String) throws -> Value) throws -> Value {
        do { return try body(folder) } catch { throw TrackerFailure(message: "\(error)") }
    }
}
