// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import PeerService

struct RolloutPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a rollout would do: waves, hosts, bytes, time, and what is in its way.",
        discussion: """
            Nothing is begun. With --keep the plan is kept and gets a number, with which `rollout start NUMBER` begins it \
            within eight days.

              drover rollout plan debian@7 --on all
              drover rollout plan debian@7 --on role=web --canaries web-1,web-2 --waves 10,50x

            Exit codes: 0 it can be started, 5 something is in its way.
            """)

    @Argument(help: ArgumentHelp("The master, NAME@VERSION; it must be published.", valueName: "master"))
    var master: String

    @Flag(help: "Keep the plan, to be started later.")
    var keep = false

    @OptionGroup var wishes: RolloutOptions
    @OptionGroup var request: RequestKeyOption
    @OptionGroup var asker: OperatorOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try asker.client()
        let wanted = try wishes.request(master)
        let plan = keep ? try await client.create(wanted, key: request.key) : try await client.plan(wanted)
        switch output.format {
        case .json: try OutputOptions.json(plan)
        case .table: Terminal.data(RolloutText.plan(plan))
        }
        guard plan.problems.isEmpty else {
            throw HostFailure(
                .conflict, "the rollout cannot be started: \(plan.problems.joined(separator: " ").prefix(400))")
        }
        if let number = plan.rollout, !output.quiet {
            Terminal.note("begin it with `drover rollout start \(number)`")
        }
    }
}
