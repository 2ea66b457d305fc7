// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import PeerService

struct RolloutWhy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Say why a host is where it is in a rollout, and what it waits for.",
        discussion: """
              drover rollout why 12 web-17
              drover rollout why 12 web-17 --log     what its probe's guest wrote to its serial console
            """)

    @OptionGroup var rollout: RolloutNumber

    @Argument(help: ArgumentHelp("The host.", valueName: "host"))
    var host: String

    @Flag(help: "Print the log of what failed there, and nothing else.")
    var log = false

    @OptionGroup var asker: OperatorOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try asker.client()
        if log { return Terminal.data(try await client.log(rollout.number, host)) }
        let why = try await client.why(rollout.number, host)
        switch output.format {
        case .json: try OutputOptions.json(why)
        case .table: Terminal.data(RolloutText.why(why))
        }
    }
}
