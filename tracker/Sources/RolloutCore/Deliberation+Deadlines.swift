// SPDX-License-Identifier: Apache-2.0

/// What becomes of those whose time is up.
extension Deliberation {
    mutating func passDeadlines() {
        if let deadline = rollout.phaseDeadline, deadline <= now {
            emit(.phase(.aborted, deadline: nil), by: .tracker, reason: "nobody started it in time")
        }
        // Each turn leaves the first host without its deadline, or with a later one.
        while let entry = rollout.deadlines.first, entry.at <= now {
            let host = rollout.hosts[entry.host]
            if case .failed(let failure) = host.state { retry(host, failure) } else { timeOut(host, reason: nil) }
        }
    }

    /// - Parameter step: the one it is in, unless it is in none.
    mutating func timeOut(_ host: HostRecord, in step: HostStep? = nil, reason: String?) {
        guard let step = step ?? host.state.step else { return }
        emit(.hosts([host.name], .timedOut(step: step), deadline: nil), by: .tracker, reason: reason)
    }

    private mutating func retry(_ host: HostRecord, _ failure: HostFailure) {
        guard failure.step != .rollingBack else { return order(back: [host.name], by: .tracker, "tried again") }
        requeue([host.name])
        begin([host.name], by: .tracker, reason: "tried again")
    }

    /// When a retry may be that is wanted at `wish`: as soon as the budget has room for it.
    func retrySlot(_ wish: Instant) -> Instant {
        let budget = rollout.settings.retryBudget
        let most = max(1, rollout.hosts.count * budget.percent / 100)
        guard rollout.retries.count >= most else { return wish }
        return max(wish, rollout.retries[rollout.retries.count - most] + budget.per)
    }

    /// The tracker was away and heard nobody: what hosts had to do by a time may take as much longer.
    mutating func shift(by span: Span) {
        guard span > .zero, !rollout.phase.isTerminal else { return }
        let isWaitedFor = rollout.hosts.contains { $0.deadline != nil && $0.state.step != nil }
        if isWaitedFor { emit(.shifted(by: span), by: .tracker, reason: "the tracker was away") }
    }

    /// How long a host has for going back, hearing of it included.
    var returnLimit: Span { rollout.settings.silenceLimit + rollout.settings.activateLimit }
}
