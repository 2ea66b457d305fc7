// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import PeerService

struct RolloutStart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Begin a rollout of a master, or one that was planned with --keep.",
        discussion: """
            All hosts begin to fetch; the canaries activate as soon as every host has the master or has failed to get \
            it. A rollout of the same line that is under way is superseded. The rollout's number is printed.

              drover rollout start debian@7 --on all --reason 'kernel update'
              drover rollout start 12
            """)

    @Argument(
        help: ArgumentHelp("The master, NAME@VERSION, or the number of a plan that was kept.", valueName: "what"))
    var what: String

    @OptionGroup var wishes: RolloutOptions
    @OptionGroup var request: RequestKeyOption
    @OptionGroup var asker: OperatorOptions
    @OptionGroup var output: OutputOptions

    /// What the key of the second request has in addition.
    private static let startSuffix = ".start"

    func run() async throws {
        let client = try asker.client()
        let key = request.key
        guard key.utf8.count + Self.startSuffix.utf8.count <= RequestKeyOption.byteLimit else {
            throw HostFailure(
                .usage,
                "--request-key has more than \(RequestKeyOption.byteLimit - Self.startSuffix.utf8.count) bytes; choose a "
                    + "shorter one")
        }
        let number: UInt64
        if let planned = UInt64(what) {
            guard wishes.areNone else {
                throw HostFailure(
                    .usage,
                    "rollout \(planned) was planned with options of its own; say `drover rollout start \(planned)` alone, or "
                        + "plan another one")
            }
            number = planned
        } else {
            let plan = try await client.create(try wishes.request(what), key: key)
            guard let made = plan.rollout else {
                throw HostFailure(.trackerUnreachable, "the tracker made a rollout and gave it no number")
            }
            number = made
        }
        let start = RolloutCommandRequest(.start, reason: wishes.reason)
        // Each of the two requests has a key of its own, and both follow from the one that was given.
        let status = try await client.command(start, to: number, key: key + Self.startSuffix)
        switch output.format {
        case .json: try OutputOptions.json(status)
        case .table: Terminal.data("\(number)")
        }
        guard !output.quiet else { return }
        Terminal.note(
            status.phase == .awaitingApproval
                ? "rollout \(number) of \(status.master) waits for somebody else's `drover rollout approve \(number)`"
                : "rollout \(number) of \(status.master) is \(status.phase); "
                    + "follow it with `drover rollout status \(number) --wait`")
    }
}
