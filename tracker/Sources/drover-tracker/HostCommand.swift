// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SqliteStorage
import TrackerStorage

/// `drover-tracker host`: who is enrolled.
struct HostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "List the hosts of the fleet, and shut hosts out.",
        subcommands: [HostList.self, HostRevoke.self])
}

struct HostList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Print one line for each enrolled host: its name, its state and its labels.")

    @OptionGroup var database: DatabaseOption

    func run() async throws {
        try await database.withStorage { storage in
            var last: String?
            repeat {
                let page = try await storage.hosts(after: last, limit: StorageLimits.page)
                for host in page.elements {
                    let labels = host.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                    print(([host.name, host.revoked == nil ? "enrolled" : "revoked"] + labels).joined(separator: " "))
                }
                last = page.next
            } while last != nil
        }
    }
}

struct HostRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Shut a host out: its certificates count no more.",
        discussion: """
            The other hosts hear of it from the tracker within a minute, end their connections with it and make no new ones. \
            It comes back only with a new token.
            """)

    @Argument(help: ArgumentHelp("The host's name in the fleet.", valueName: "name"))
    var name: String

    @OptionGroup var database: DatabaseOption

    func run() async throws {
        try await database.withStorage { storage in
            guard let before = try await storage.revokeHost(name, at: now()) else {
                throw TrackerFailure(
                    message: "There is no host \(name); `drover-tracker host list` prints those there are.", code: 3)
            }
            try await storage.noteLocal(
                "host.revoke", name, before: before.revoked == nil ? "enrolled" : "revoked", after: "revoked")
        }
        StandardError.write("\(name) is shut out")
    }
}
