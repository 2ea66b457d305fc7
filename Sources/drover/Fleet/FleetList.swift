// SPDX-License-Identifier: Apache-2.0

import Amounts
import ArgumentParser
import FleetProtocol
import PeerService

struct FleetList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the hosts of the fleet by name, and which masters are active there.")

    @Option(
        name: .customLong("on"),
        help: ArgumentHelp(
            "Which hosts, by labels: rack=r1|r2,role!=database. The key 'host' is the name.", valueName: "selector"))
    var selector = "all"

    @Option(help: ArgumentHelp("Those that are all, online, silent, drained or pinned.", valueName: "state"))
    var state = "all"

    @OptionGroup var asker: OperatorOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try asker.client()
        var list = HostListDocument(hosts: [], next: nil)
        repeat {
            let page = try await client.hosts(of: selector, state: state, after: list.next)
            list.hosts += page.hosts
            list.next = page.hosts.isEmpty ? nil : page.next
        } while list.next != nil
        try output.print(
            list, columns: ["host", "state", "active", "free", "labels"],
            rows: list.hosts.map { host in
                [
                    host.name, HostText.state(host), HostText.active(host),
                    host.facts.map { "\(ByteText(Int64(clamping: $0.freeBytes)))" } ?? "-", HostText.labels(host),
                ]
            })
    }
}

struct FleetShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what the tracker knows of a host.")

    @Argument(help: ArgumentHelp("The host's name in the fleet.", valueName: "host"))
    var host: String

    @OptionGroup var asker: OperatorOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let host = try await asker.client().host(host)
        switch output.format {
        case .json: try OutputOptions.json(host)
        case .table: Terminal.data(HostText.host(host))
        }
    }
}

/// A host of the fleet as people read it.
enum HostText {
    static func state(_ host: HostDocument) -> String {
        let words =
            [host.isOnline ? "online" : "silent"] + (host.isDrained ? ["drained"] : [])
            + (host.facts?.isHealthy == false ? ["unwell"] : []) + (host.pinned.isEmpty ? [] : ["pinned"])
        return words.joined(separator: ", ")
    }

    static func active(_ host: HostDocument) -> String {
        let active = (host.facts?.lines ?? []).compactMap { line in line.active.map { "\(line.name)@\($0)" } }
        return active.isEmpty ? "-" : active.joined(separator: ", ")
    }

    static func labels(_ host: HostDocument) -> String {
        guard !host.labels.isEmpty else { return "-" }
        return host.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    static func host(_ host: HostDocument) -> String {
        let fields = Fields([
            ("host", host.name), ("state", state(host)), ("labels", labels(host)), ("enrolled", host.enrolled),
            ("last heard of", host.lastHeard ?? "never"),
            ("pinned", host.pinned.isEmpty ? nil : host.pinned.joined(separator: ", ")),
            ("program", host.facts?.program),
            (
                "free",
                host.facts.map { facts in
                    "\(ByteText(Int64(clamping: facts.freeBytes))) of \(ByteText(Int64(clamping: facts.capacityBytes)))"
                }
            ),
        ])
        guard let lines = host.facts?.lines, !lines.isEmpty else { return fields.description }
        let table = Table(
            columns: ["line", "active", "held", "denied", "clones"],
            rows: lines.map { line in
                [
                    line.name, line.active.map { "@\($0)" } ?? "-", versions(line.held), versions(line.denied),
                    line.clones.isEmpty
                        ? "-" : line.clones.map { "\($0.count) of @\($0.version)" }.joined(separator: ", "),
                ]
            })
        return "\(fields)\n\n\(table)"
    }

    private static func versions(_ versions: [Int]) -> String {
        versions.isEmpty ? "-" : versions.sorted().map { "@\($0)" }.joined(separator: " ")
    }
}
