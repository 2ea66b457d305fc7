// SPDX-License-Identifier: Apache-2.0

import Amounts
import ArgumentParser
import PeerService

/// `drover top`: whom this host swaps pieces with, as it goes on.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch the swarms of this host and the peers in them, busiest first, until Ctrl-C.",
        discussion: """
            On a terminal the table is redrawn twice a second. Elsewhere, and with --once, it is printed once.

            A peer's flags: s, it serves this host; S, this host serves it.
            """)

    @Flag(help: "Print the table once.")
    var once = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard let peer = try await store.runningPeer() else {
            throw HostFailure(.noPeer, "no peer is running on \(store.root); start one with `drover peer run`")
        }
        let isLive = Terminal.showsData && !once && output.format == .table
        repeat {
            guard case .swarms(let report) = try await peer.perform(.listSwarms, progress: { _ in }) else {
                throw HostFailure.unexpectedReply
            }
            if isLive { Terminal.clear() }
            switch output.format {
            case .json: try OutputOptions.json(report)
            case .table: Terminal.data(Self.screen(report))
            }
            if isLive { try await Task.sleep(for: .milliseconds(500)) }
        } while isLive
    }

    private static func screen(_ report: SwarmsReport) -> String {
        guard !report.swarms.isEmpty else { return "this host is in no swarm" }
        return report.swarms.map { swarm in
            var title = "\(swarm.master): \(percent(Double(swarm.bytesVerified) / Double(max(1, swarm.size))))"
            title += ", down \(ByteText(swarm.downloadRate))/s, up \(ByteText(swarm.uploadRate))/s"
            if swarm.bytesVerified < swarm.size { title += ", copies of the rarest piece: \(swarm.rarestCopies)" }
            guard !swarm.peers.isEmpty else { return title + "\n  no peer is connected" }
            let rows = swarm.peers.map { peer in
                [
                    "  " + peer.address, peer.rack ?? "", percent(peer.part),
                    "\(ByteText(peer.downloadRate))/s", "\(ByteText(peer.uploadRate))/s",
                    "\(ByteText(peer.received))", "\(ByteText(peer.sent))",
                    (peer.serves ? "s" : "-") + (peer.isServed ? "S" : "-"),
                ]
            }
            let columns = ["  peer", "rack", "has", "down", "up", "received", "sent", "flags"]
            return title + "\n" + Table(columns: columns, rows: rows).description
        }.joined(separator: "\n\n")
    }

    /// Rounded down, so that 100 % means all of it.
    private static func percent(_ part: Double) -> String { PercentText.of(part) }
}
