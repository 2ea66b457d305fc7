// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetIdentity
import Metainfo
import SqliteStorage
import TrackerService
import TrackerStorage

/// `drover-tracker token`: what lets hosts into the fleet.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make tokens with which hosts enrol.", subcommands: [TokenCreate.self])
}

struct TokenCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Print tokens, each of which lets one host into the fleet within an hour.",
        discussion: """
            A token is shown once; the tracker keeps only what it can recognise it by. It names the fleet, so that a host \
            knows whom it talks to. Give it to `drover host enrol` on the host.
            """)

    @Option(help: ArgumentHelp("The folder of the fleet's authority.", valueName: "dir"))
    var authority: String

    @OptionGroup var database: DatabaseOption

    @Option(
        help: ArgumentHelp(
            "Which names the host may take: a name, in which '*' stands for any characters.", valueName: "pattern"))
    var hosts: String

    @Option(
        name: .customLong("label"),
        help: ArgumentHelp(
            "Something that is said of the host, such as rack=r1. May be repeated.", valueName: "key=value"))
    var labels: [String] = []

    @Option(help: ArgumentHelp("How many tokens to make.", valueName: "n"))
    var count = 1

    func validate() throws {
        guard HostPattern(hosts) != nil else { throw ValidationError("\(NewEnrolmentToken.Fault.pattern(hosts))") }
        guard (1...1000).contains(count) else { throw ValidationError("From 1 to 1000 tokens can be made at once.") }
        do { _ = try NewEnrolmentToken.named(labels) } catch { throw ValidationError("\(error)") }
    }

    func run() async throws {
        let authority = try TrackerFailure.wrapping(authority, FleetFolder.open)
        try await database.withStorage { storage in
            for _ in 0..<count {
                let token = try NewEnrolmentToken(
                    for: authority.anchor, hosts: hosts, labels: labels, creator: "local", at: now())
                guard try await storage.addEnrolmentToken(token.stored) else {
                    throw TrackerFailure(message: "Two tokens came out alike; this is a bug.")
                }
                try await storage.noteLocal("enrolment-token.create", token.stored.id, after: hosts)
                print(token.secret)
            }
        }
    }
}
