// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import PeerService

/// `drover status`: what this host holds and does.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the masters of this host, how far their fetches are, and who feeds them.",
        discussion: """
            Works with every tracker down. Where no peer runs on the store, it shows what the store holds and exits \
            with 11.
            """)

    @Flag(help: "Go on: redraw twice a second on a terminal, print a line for every change elsewhere.")
    var watch = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard let peer = try await store.runningPeer() else {
            guard case .status(let report) = try await store.service().perform(.status, progress: { _ in }) else {
                throw HostFailure.unexpectedReply
            }
            try show(report)
            throw HostFailure(.noPeer, "no peer is running on \(report.store); start one with `drover peer run`")
        }
        var changes = StatusChanges()
        repeat {
            guard case .status(let report) = try await peer.perform(.status, progress: { _ in }) else {
                throw HostFailure.unexpectedReply
            }
            if watch, output.format == .table, !Terminal.showsData {
                for line in changes.lines(report) { Terminal.data(line) }
            } else {
                if watch, output.format == .table { Terminal.clear() }
                try show(report)
            }
            if watch { try await Task.sleep(for: Terminal.showsData ? .milliseconds(500) : .seconds(2)) }
        } while watch
    }

    private func show(_ report: StatusReport) throws {
        switch output.format {
        case .json: try OutputOptions.json(report, onOneLine: watch)
        case .table: Terminal.data(StatusText.screen(report))
        }
    }
}
