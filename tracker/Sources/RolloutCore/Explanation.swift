// SPDX-License-Identifier: Apache-2.0

/// Why a host is where it is, and what it waits for.
package enum Explanation: Equatable, Sendable, CustomStringConvertible {
    /// It has come to its end; nothing is waited for.
    case settled(HostState.Kind)
    /// The rollout has not begun, or is over.
    case notRunning(RolloutPhase)
    /// It is in the middle of a step.
    case working(HostStep, since: Instant, until: Instant?, attempt: Int)
    /// It is staged, and its wave's turn has not come. The hosts on which the present wave waits are named.
    case waitingForWave(Int, present: Int, holders: [HostName])
    /// It is staged, its wave's turn has come, and others have all the slots.
    case waitingForSlot(holders: [HostName], slots: Int)
    case paused(PauseReason, by: Actor, since: Instant, explanation: String?)
    /// It failed and is tried again.
    case waitingForRetry(FailureCode, attempt: Int, at: Instant)
    case failed(FailureCode, HostStep, attempt: Int, log: String?)
    case timedOut(HostStep, since: Instant)
    case offline(since: Instant)
    case blocked(BlockReason)
    case skipped(by: Actor, isExcluded: Bool)

    package var description: String {
        switch self {
        case .settled(let state): Self.end(state)
        case .notRunning(let phase): "The rollout is \(phase.rawValue)."
        case .working(let step, _, _, let attempt): "It is \(step.rawValue), attempt \(attempt)."
        case .waitingForWave(let wave, let present, let holders):
            "It waits for wave \(wave); wave \(present) is held by \(Self.list(holders))."
        case .waitingForSlot(let holders, let slots):
            "It waits for a slot; the \(slots) are held by \(Self.list(holders))."
        case .paused(let reason, let actor, _, let explanation):
            "The rollout was paused by \(actor) (\(reason.rawValue))\(explanation.map { ": \($0)" } ?? "")."
        case .waitingForRetry(let code, let attempt, _):
            "Attempt \(attempt) failed (\(code.rawValue)); it is tried again soon."
        case .failed(let code, let step, let attempt, _):
            "It failed while \(step.rawValue), in attempt \(attempt) (\(code.rawValue)): retry or skip it."
        case .timedOut(let step, _):
            "It ran out of time while \(step.rawValue): look at the host, then retry or skip it."
        case .offline: "It is offline, and takes part in the last wave when it comes back."
        case .blocked(let reason): "It is blocked: \(reason.explanation)."
        case .skipped(let actor, let isExcluded): "It was \(isExcluded ? "excluded" : "skipped") by \(actor)."
        }
    }

    private static func end(_ state: HostState.Kind) -> String {
        switch state {
        case .healthy: "It has the version and is well."
        case .already: "It had the version before."
        case .rolledBack: "It went back to the version before."
        case .left: "It is no longer in the fleet."
        default: "It is \(state.rawValue)."
        }
    }

    private static func list(_ names: [HostName]) -> String {
        names.isEmpty ? "nobody" : names.map(\.description).joined(separator: ", ")
    }
}
