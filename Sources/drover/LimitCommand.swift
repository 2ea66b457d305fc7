// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

/// `drover limit`: how much of the network this host's peer may take.
struct LimitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limit",
        abstract: "Cap what this host's peer sends and receives, or show the caps.",
        discussion: """
            Rates are bits a second over all masters and peers together: 200M, 1.5G, 500k, or off. A running peer keeps \
            to a new cap at once. The caps are kept in the store and count again after a restart.

              drover limit --up 200M --down 1G
              drover limit --up off
              drover limit
            """)

    @Option(help: ArgumentHelp("The most this host sends, or off.", valueName: "rate"))
    var up: String?

    @Option(help: ArgumentHelp("The most this host receives, or off.", valueName: "rate"))
    var down: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        // Caps may be set before the first peer runs.
        let service = try await store.service(create: up != nil || down != nil)
        guard case .limits(let limits) = try await service.perform(.limit(up: up, down: down), progress: { _ in })
        else {
            throw HostFailure.unexpectedReply
        }
        switch output.format {
        case .json: try OutputOptions.json(limits)
        case .table: Terminal.data("up \(RateText.words(limits.up)), down \(RateText.words(limits.down))")
        }
    }
}
