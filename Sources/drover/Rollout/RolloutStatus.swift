// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetProtocol
import PeerService

struct RolloutStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how far a rollout is, or wait for its end.",
        discussion: """
            With --wait it ends when the rollout has, or when it waits for somebody: a promotion, an approval, a resume. A \
            tracker that is away for a while is waited for.

              drover rollout status 12
              drover rollout status 12 --wait --timeout 20m && deploy-the-next

            Exit codes with --wait: 0 succeeded, 1 it ended otherwise, 5 it waits for somebody, 6 done in part (some hosts \
            failed, were skipped or are missing), 7 not over in time.
            """)

    @OptionGroup var rollout: RolloutNumber

    @Flag(help: "Wait until it is over or waits for somebody.")
    var wait = false

    @Flag(help: "With --wait: go on waiting while it is paused, or not yet started.")
    var throughPauses = false

    @Option(help: ArgumentHelp("With --wait: for how long, such as 20m. (default: without end)", valueName: "time"))
    var timeout: DurationText?

    @OptionGroup var asker: OperatorOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard wait || (timeout == nil && !throughPauses) else {
            throw ValidationError("--timeout and --through-pauses belong to --wait.")
        }
    }

    func run() async throws {
        let client = try asker.client()
        guard wait else { return try show(try await client.status(rollout.number)) }
        let deadline = timeout.map { ContinuousClock.now + .seconds($0.seconds) }
        let last = try await wait(until: deadline, client)
        try show(last)
        if let failure = RolloutOutcome(last, isPauseFinal: !throughPauses).failure(last) { throw failure }
    }

    private func show(_ status: RolloutStatusDocument) throws {
        switch output.format {
        case .json: try OutputOptions.json(status)
        case .table: Terminal.data(RolloutText.status(status))
        }
    }

    /// - Returns: how it was when the wait was over.
    /// - Throws: ``HostFailure`` with `.timedOut` when the tracker said nothing in all that time.
    private func wait(
        until deadline: ContinuousClock.Instant?, _ client: OperatorClient
    ) async throws -> RolloutStatusDocument {
        let line = ProgressLine(isQuiet: output.quiet)
        defer { line.end() }
        var last: RolloutStatusDocument?
        while true {
            var silence: HostFailure?
            do {
                let status = try await client.status(rollout.number)
                guard RolloutOutcome(status, isPauseFinal: !throughPauses) == .underWay else { return status }
                line.show(RolloutText.progress(status))
                last = status
            } catch let failure as HostFailure where failure.code == .trackerUnreachable {
                line.show("rollout \(rollout.number): \(failure.message)")
                silence = failure
            }
            if let deadline, ContinuousClock.now >= deadline {
                if let last { return last }
                throw HostFailure(
                    .timedOut,
                    "nothing was heard of rollout \(rollout.number) in time: \(silence?.message ?? "the tracker is away")"
                )
            }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
