// SPDX-License-Identifier: Apache-2.0

package import RolloutCore

/// What became of a simulated rollout.
package struct FleetOutcome: Sendable {
    package enum Verdict: Equatable, Sendable {
        case ended(RolloutPhase)
        case paused(PauseReason)
        /// It was neither at its end nor paused when patience ran out.
        case stuck
        /// A promise was broken; what happened, in order.
        case wrong([String])
    }

    package let verdict: Verdict
    /// The latest one.
    package let rollout: Rollout
    /// Those before it.
    package let earlier: [Rollout]
    package let log: [RolloutEvent]
    /// From the start to the last event of the log.
    package let duration: Span
    /// The version that each host has active in the end, in the scenario's order.
    package let active: [UInt64?]
    package let messages: Int
    /// One line per event of the log, and for what happened to hosts.
    package let trace: [String]

    /// Whether it came to its end or a pause, and no promise was broken.
    package var isAsPromised: Bool {
        switch verdict {
        case .ended, .paused: true
        case .stuck, .wrong: false
        }
    }

    /// The verdict in words.
    package var words: String {
        switch verdict {
        case .ended(let phase): phase.rawValue
        case .paused(let reason): "paused, \(reason.rawValue)"
        case .stuck: "neither ended nor paused"
        case .wrong(let faults): faults.first ?? "a promise was broken"
        }
    }

    package var seconds: Double { Double(duration.milliseconds) / 1000 }

    /// Hosts by the names of their states.
    package var counts: [String: Int] {
        Dictionary(uniqueKeysWithValues: rollout.summary.counts.map { ($0.key.rawValue, $0.value) })
    }
}
