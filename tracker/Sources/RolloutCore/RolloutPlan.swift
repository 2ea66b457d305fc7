// SPDX-License-Identifier: Apache-2.0

/// What a rollout would do, told before anything starts.
package struct RolloutPlan: Equatable, Sendable {
    package let target: RolloutTarget
    package let settings: RolloutSettings
    /// The canaries first, then the waves; hosts in the order in which they are taken.
    package let waves: [[PlannedHost]]
    /// Hosts that take no part for now: there already, offline or blocked. Should that change, they join the last wave.
    package let aside: [PlannedHost]
    /// How long it would take; `nil` when nothing can be done.
    package let prediction: Prediction?
    /// Why this plan cannot be started; none when it can.
    package let problems: [PlanProblem]

    /// All bytes that hosts would receive.
    package var bytesToMove: UInt64 {
        waves.joined().reduce(0) { $0.addingReportingOverflow($1.bytesToMove).partialValue }
    }

    /// How long a rollout takes by a simple model, without the wait for the canary gate: from all going well, where only
    /// staging and soaking take time, to each step taking all of its limit.
    ///
    /// Staging: the image over the allowed part of the slowest link, and a quarter more for the swarm. Each wave: its
    /// soak; at the latest also as many rounds as its hosts need slots, each of the limits for silence, activation and,
    /// where there are probes, probing.
    package struct Prediction: Equatable, Sendable {
        package let staging: Span
        package let earliest: Span
        package let latest: Span
    }
}
