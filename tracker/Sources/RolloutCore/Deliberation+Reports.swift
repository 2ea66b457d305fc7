// SPDX-License-Identifier: Apache-2.0

/// What hosts report.
extension Deliberation {
    mutating func take(_ report: HostReport) {
        guard report.stamp.rollout == rollout.number, report.stamp.epoch == rollout.epoch,
            let place = rollout.places[report.host], report.version == rollout.target.master.version
        else { return }
        let host = rollout.hosts[place]
        if report.progress == .rolledBack { return noteReturnToPrevious(host, answering: report.stamp.order) }
        // Whatever answers an order that no longer stands is history. An ended rollout gives no more orders, and hears
        // how its last ones went.
        guard rollout.phase.isTerminal || report.stamp.order >= host.order else { return }
        // A host that timed out and is there after all goes on, which costs it an attempt.
        if case .timedOut(let step) = host.state, step != .rollingBack, host.attempt > rollout.settings.retries {
            return
        }
        if rollout.phase.isSuccess { followLate(host, report.progress) }
        note(report.progress, of: rollout.hosts[place])
    }

    private mutating func note(_ progress: HostReport.Progress, of host: HostRecord) {
        switch progress {
        case .staging(let bytes): noteProgress(host, bytes)
        case .verifying:
            guard host.state == .staging || host.state == .timedOut(step: .staging) else { return }
            set(host, .verifying, within: rollout.settings.stageProgressLimit)
        case .staged:
            guard host.isAt(.staging, .verifying) else { return }
            set(host, .staged)
            requeue([host.name])
        case .activating:
            guard host.state == .activating(isTaken: false) || host.state == .timedOut(step: .activating) else {
                return
            }
            set(host, .activating(isTaken: true), within: rollout.settings.activateLimit)
        case .activated:
            guard host.isAt(.activating) else { return }
            if rollout.hasProbe(host) { set(host, .probing, within: rollout.settings.probeLimit) } else { soak(host) }
        case .probePassed: if host.isAt(.activating, .probing) { soak(host) }
        case .healthy: noteHealth(host)
        case .probeFailed(let code, let log):
            if host.isAt(.activating, .probing) { fail(host, in: .probing, code, log) }
        case .failed(let code, let log):
            if case .healthy = host.state {
                fail(host, in: .soaking, code, log)
            } else if let step = host.state.step {
                fail(host, in: step, code, log)
            }
        case .rolledBack: break
        }
    }

    private mutating func set(_ host: HostRecord, _ state: HostState, within limit: Span? = nil) {
        emit(.hosts([host.name], state, deadline: limit.map { now + $0 }), by: .host(name: host.name))
    }

    private mutating func noteProgress(_ host: HostRecord, _ bytes: UInt64) {
        let (limit, image) = (rollout.settings.stageProgressLimit, rollout.target.imageBytes)
        guard host.isAt(.staging), bytes > host.bytes, bytes <= image, !rollout.isLogFull else { return }
        let gain = bytes - host.bytes
        let isLate = now >= host.progressAt + Span(milliseconds: limit.milliseconds / 4)
        guard
            gain >= image / RolloutLimits.progressParts || (isLate && gain >= image / RolloutLimits.leastProgressParts)
        else { return }
        if host.state != .staging { set(host, .staging, within: limit) }
        emit(.progressed(host: host.name, bytes: bytes, deadline: now + limit), by: .host(name: host.name))
    }

    /// The host has the new version active, and proved it where that was asked for.
    private mutating func soak(_ host: HostRecord) {
        let span = host.wave == 0 ? rollout.settings.canarySoak : rollout.settings.waveSoak
        set(host, .soaking(until: now + span), within: span + rollout.settings.silenceLimit)
    }

    private mutating func noteHealth(_ host: HostRecord) {
        switch host.state {
        case .soaking(let until): if now >= until { set(host, .healthy) }
        case .activating, .timedOut(.activating): if !rollout.hasProbe(host) { soak(host) }
        case .timedOut(.soaking): soak(host)
        default: break
        }
    }

    /// The host is on the version before again.
    private mutating func noteReturnToPrevious(_ host: HostRecord, answering order: UInt64) {
        // A host may have gone back while nobody heard it; but what it says about an earlier attempt is history.
        guard let exposedBy = host.exposedBy, order >= exposedBy else { return }
        let isAsked = host.isReturning || rollout.phase == .rollingBack || rollout.phase == .rolledBack
        if case .skipped = host.state, !isAsked { return }
        set(host, .rolledBack(isAsked: isAsked))
    }

    /// After the end, hosts that come back follow by themselves; that they did is recorded for a later rollback.
    private mutating func followLate(_ host: HostRecord, _ progress: HostReport.Progress) {
        guard rollout.follows(host) else { return }
        switch progress {
        case .activating, .activated, .probePassed, .healthy:
            emit(.hosts([host.name], .activating(isTaken: false), deadline: nil), by: .host(name: host.name))
        default: break
        }
    }

    /// A step failed. It is tried again when that may help, and attempts are left.
    private mutating func fail(_ host: HostRecord, in step: HostStep, _ code: FailureCode, _ log: String?) {
        if step.isStaging, let reason = code.blocks {
            emit(
                .hosts([host.name], .blocked(reason: reason), deadline: nil), by: .host(name: host.name),
                reason: code.rawValue)
            return
        }
        let mayRetry = code.isRetryable && host.attempt <= rollout.settings.retries && !rollout.phase.isTerminal
        let wait = Backoff.wait(
            rollout.settings.retryWait, attempt: host.attempt, host: host.name, seed: rollout.seed)
        let retryAt: Instant? = !mayRetry ? nil : step == .rollingBack ? now + wait : retrySlot(now + wait)
        let failure = HostFailure(
            code: code, step: step, attempt: host.attempt,
            log: log.flatMap { $0.utf8.count <= RolloutLimits.logReferenceLength ? $0 : nil }, retryAt: retryAt)
        emit(
            .hosts([host.name], .failed(failure), deadline: retryAt), by: .host(name: host.name), reason: code.rawValue)
    }
}

extension HostRecord {
    /// Whether it is in one of these steps, or ran out of time in it.
    fileprivate func isAt(_ steps: HostStep...) -> Bool {
        if case .timedOut(let step) = state { steps.contains(step) } else { state.step.map(steps.contains) ?? false }
    }
}
