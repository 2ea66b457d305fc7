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

    mutating func timeOut(_ host: HostRecord, reason: String?) {
        guard let step = host.state.step else { return }
        emit(.hosts([host.name], .timedOut(step: step), deadline: nil), by: .tracker, reason: reason)
    }

    private mutating func retry(_ host: HostRecord, _ failure: HostFailure) {
        if failure.step == .rollingBack {
            emit(.hosts([host.name], .rollingBack, deadline: now + returnLimit), by: .tracker, reason: "tried again")
        } else if let free = budgetIsFree, free > now {
            let later = HostFailure(
                code: failure.code, step: failure.step, attempt: failure.attempt, log: failure.log, retryAt: free)
            emit(.hosts([host.name], .failed(later), deadline: free), by: .tracker, reason: "the retry budget is spent")
        } else {
            requeue([host.name])
            begin([host.name], by: .tracker, reason: "tried again")
        }
    }

    /// When the next retry may be; `nil` for at once.
    private var budgetIsFree: Instant? {
        let budget = rollout.settings.retryBudget
        let most = max(1, rollout.hosts.count * budget.percent / 100)
        let recent = rollout.recentRetries.filter { $0 + budget.per > now }
        return recent.count < most ? nil : recent[recent.count - most] + budget.per
    }

    /// How long a host has for going back, hearing of it included.
    var returnLimit: Span { rollout.settings.silenceLimit + rollout.settings.activateLimit }
}
