// SPDX-License-Identifier: Apache-2.0

/// What becomes of those whose time is up.
extension Deliberation {
    mutating func passDeadlines() {
        if let deadline = rollout.phaseDeadline, deadline <= now {
            emit(.phase(.aborted, deadline: nil), by: .tracker, reason: "nobody started it in time")
        }
        guard let first = rollout.deadlines.first, first.at <= now else { return }
        // A whole fleet may be late at once, so that there is one event for all whom the same becomes of.
        let late = rollout.hosts.filter { host in host.deadline.map { $0 <= now } ?? false }
        for step in HostStep.allCases {
            let hosts = late.filter { $0.state.step == step }.map(\.name)
            if !hosts.isEmpty { emit(.hosts(hosts, .timedOut(step: step), deadline: nil), by: .tracker) }
        }
        retry(late.filter { $0.state.retryAt != nil })
    }

    /// - Parameter step: the one it is in, unless it is in none.
    mutating func timeOut(_ host: HostRecord, in step: HostStep? = nil, reason: String?) {
        guard let step = step ?? host.state.step else { return }
        emit(.hosts([host.name], .timedOut(step: step), deadline: nil), by: .tracker, reason: reason)
    }

    private mutating func retry(_ hosts: [HostRecord]) {
        order(back: hosts.filter(\.isReturning).map(\.name), by: .tracker, "tried again")
        let others = hosts.filter { !$0.isReturning }.map(\.name)
        guard !others.isEmpty else { return }
        requeue(others)
        begin(others, by: .tracker, reason: "tried again")
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
