// SPDX-License-Identifier: Apache-2.0

/// A rollout in numbers.
package struct RolloutSummary: Equatable, Sendable {
    package let phase: RolloutPhase
    package let pause: PauseReason?
    package let wave: Int
    package let waves: [WaveState]
    /// Hosts by state; states without hosts are left out.
    package let counts: [HostState.Kind: Int]
    /// Failed hosts by reason.
    package let failures: [FailureCode: Int]
    /// Blocked hosts by reason.
    package let blocked: [BlockReason: Int]
    /// When something will happen by itself, at the latest.
    package let nextDeadline: Instant?
}

extension Rollout {
    package var summary: RolloutSummary {
        var counts: [HostState.Kind: Int] = [:]
        var failures: [FailureCode: Int] = [:]
        var blocked: [BlockReason: Int] = [:]
        for host in hosts {
            counts[host.state.kind, default: 0] += 1
            if case .failed(let failure) = host.state { failures[failure.code, default: 0] += 1 }
            if case .blocked(let reason) = host.state { blocked[reason, default: 0] += 1 }
        }
        return RolloutSummary(
            phase: phase, pause: pause?.reason, wave: currentWave, waves: waves.map(\.state), counts: counts,
            failures: failures, blocked: blocked, nextDeadline: nextDeadline)
    }
}
