// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import PeerService

/// `drover fleet`: the hosts of a fleet, as its tracker knows them.
struct FleetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "See the hosts of a fleet, and keep hosts out of rollouts.",
        discussion: """
              drover fleet list --on rack=r1                    the hosts of a rack, and what is active there
              drover fleet list --state silent                  those of whom nothing was heard lately
              drover fleet drain web-17                         no rollout takes it along: it is being repaired
              drover fleet pin db-1 debian                      it stays with the debian that it has

            Every command needs the fleet's tracker (--tracker, or DROVER_TRACKER) and an operator's token \
            (--token-file, or DROVER_TOKEN_FILE). `drover host` is about the host on which it is typed.
            """,
        subcommands: [
            FleetList.self, FleetShow.self, FleetDrain.self, FleetUndrain.self, FleetPin.self, FleetUnpin.self,
        ])
}

struct FleetDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Keep hosts out of all rollouts.",
        discussion: """
            In a rollout that has begun, a host that is not activated yet is put aside. What the host has stays as it is, \
            and its clones run on. A rollback still reaches it. It stays drained, also when it is enrolled anew, until \
            `drover fleet undrain`.
            """)

    @OptionGroup var hosts: HostNames
    @OptionGroup var asker: OperatorOptions

    func run() async throws {
        let client = try asker.client()
        for host in hosts.names {
            _ = try await client.drain(host, true)
            Terminal.note("\(host) takes part in no rollout")
        }
    }
}

struct FleetUndrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undrain", abstract: "Let drained hosts take part in rollouts again.",
        discussion: "A rollout that put a host aside since it was drained takes it along while it goes on.")

    @OptionGroup var hosts: HostNames
    @OptionGroup var asker: OperatorOptions

    func run() async throws {
        let client = try asker.client()
        for host in hosts.names {
            _ = try await client.drain(host, false)
            Terminal.note("\(host) takes part in rollouts")
        }
    }
}

struct FleetPin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin",
        abstract: "Keep a host at the version that it has of a line of masters.",
        discussion: """
            Rollouts of the line pass over the host until `drover fleet unpin`; those of other lines do not. On the host \
            itself, `drover master pin` is something else: it keeps a version from being removed.
            """)

    @OptionGroup var place: PinnedPlace
    @OptionGroup var asker: OperatorOptions

    func run() async throws {
        let host = try await asker.client().pin(place.host, to: place.line, true)
        let active = host.facts?.lines.first { $0.name == place.line }?.active
        Terminal.note(
            "\(place.host) stays with \(active.map { "\(place.line)@\($0)" } ?? "the \(place.line) that it has")")
    }
}

struct FleetUnpin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpin", abstract: "Let a host follow rollouts of a line of masters again.")

    @OptionGroup var place: PinnedPlace
    @OptionGroup var asker: OperatorOptions

    func run() async throws {
        _ = try await asker.client().pin(place.host, to: place.line, false)
        Terminal.note("\(place.host) follows rollouts of \(place.line)")
    }
}

struct HostNames: ParsableArguments {
    @Argument(help: ArgumentHelp("The hosts' names in the fleet.", valueName: "host"))
    var names: [String]

    func validate() throws {
        guard !names.isEmpty else { throw ValidationError("Name a host; `drover fleet list` shows them.") }
    }
}

struct PinnedPlace: ParsableArguments {
    @Argument(help: ArgumentHelp("The host's name in the fleet.", valueName: "host"))
    var host: String

    @Argument(help: ArgumentHelp("The line of masters, such as debian.", valueName: "line"))
    var line: String
}
