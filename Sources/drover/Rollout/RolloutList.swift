// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import PeerService

struct RolloutList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List rollouts, the newest first.")

    @Option(help: ArgumentHelp("How many at most.", valueName: "count"))
    var limit = 20

    @Flag(help: "List all that the tracker has.")
    var all = false

    @OptionGroup var asker: OperatorOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is how many are listed at most: a number from 1.") }
    }

    /// The tracker's pages are no longer than this.
    private static let page = 50

    func run() async throws {
        let client = try asker.client()
        var list = RolloutListDocument(rollouts: [], next: nil)
        repeat {
            let wanted = all ? Self.page : min(Self.page, limit - list.rollouts.count)
            let page = try await client.list(before: list.next, limit: wanted)
            list.rollouts += page.rollouts
            list.next = page.rollouts.isEmpty ? nil : page.next
        } while list.next != nil && (all || list.rollouts.count < limit)
        try output.print(
            list, columns: ["rollout", "master", "phase", "paused", "since", "on"],
            rows: list.rollouts.map { entry in
                [
                    "\(entry.rollout)", entry.master, "\(entry.phase)", entry.pause.map { "\($0)" } ?? "-", entry.since,
                    entry.selector,
                ]
            })
        if list.next != nil, !output.quiet { Terminal.note("there are older ones; --all lists them too") }
    }
}
