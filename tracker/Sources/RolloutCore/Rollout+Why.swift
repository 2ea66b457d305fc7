// SPDX-License-Identifier: Apache-2.0

extension Rollout {
    /// Why a host is not moving; `nil` when it is none of the rollout's.
    package func why(_ name: HostName) -> Explanation? {
        guard let host = host(name) else { return nil }
        switch host.state {
        case .healthy, .already, .rolledBack, .left: return .settled(host.state.kind)
        case .blocked(let reason): return .blocked(reason)
        case .skipped(let actor, let isExcluded): return .skipped(by: actor, isExcluded: isExcluded)
        case .deferredOffline: return .offline(since: host.since)
        case .timedOut(let step): return .timedOut(step, since: host.since)
        case .failed(let failure):
            guard let retryAt = failure.retryAt, !phase.isTerminal else {
                return .failed(failure.code, failure.step, attempt: failure.attempt, log: failure.log)
            }
            return .waitingForRetry(failure.code, attempt: failure.attempt, at: retryAt)
        case .pending, .staged: return whyWaiting(host)
        case .staging, .verifying, .activating, .probing, .soaking, .rollingBack:
            guard !phase.isTerminal, let step = host.state.step else { return .notRunning(phase) }
            return .working(step, since: host.since, until: host.deadline, attempt: host.attempt)
        }
    }

    private func whyWaiting(_ host: HostRecord) -> Explanation {
        if phase.isTerminal || phase == .rollingBack { return .notRunning(phase) }
        if let pause {
            return .paused(pause.reason, by: pause.by, since: pause.since, explanation: pause.explanation)
        }
        if phase.isBefore { return .notRunning(phase) }
        let isTurn = phase != .staging && host.wave == currentWave
        let holders = hosts.lazy.filter { other in
            guard !isTurn else { return other.state.kind == .activating || other.state.kind == .probing }
            return other.wave == currentWave
                && (other.state.step != nil || other.state.retryAt != nil || other.state == .staged)
        }
        let names = Array(holders.filter { $0.name != host.name }.prefix(RolloutLimits.namedHolders).map(\.name))
        return isTurn
            ? .waitingForSlot(holders: names, slots: settings.slots)
            : .waitingForWave(host.wave, present: currentWave, holders: names)
    }
}
