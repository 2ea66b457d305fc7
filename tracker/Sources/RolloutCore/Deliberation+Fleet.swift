// SPDX-License-Identifier: Apache-2.0

/// What becomes of hosts besides: silence, returns, changes, joining and leaving.
extension Deliberation {
    /// A host is offline: before it was told to activate that only puts it aside, afterwards it is a failure.
    mutating func noteSilence(_ name: HostName) {
        guard let host = rollout.host(name), !rollout.phase.isTerminal else { return }
        switch host.state {
        case .pending, .staging, .verifying, .staged:
            emit(.hosts([name], .deferredOffline, deadline: nil), by: .tracker, reason: "not heard of")
        case .failed(let failure) where failure.retryAt != nil && failure.step.isStaging:
            emit(.hosts([name], .deferredOffline, deadline: nil), by: .tracker, reason: "not heard of")
        case .activating, .probing, .soaking, .rollingBack: timeOut(host, reason: "not heard of")
        // While others wait for what becomes of its wave, its silence says something about the version.
        case .healthy where rollout.phase == .canary || !rollout.waves[host.wave].state.isOver:
            timeOut(host, in: .soaking, reason: "not heard of")
        default: break
        }
    }

    /// A host that was put aside is there again: it is staged, and activated in the last wave.
    mutating func noteReturn(_ name: HostName) {
        guard let host = rollout.host(name), host.state == .deferredOffline else { return }
        takeIn(host, reason: "heard of again")
    }

    private mutating func takeIn(_ host: HostRecord, reason: String) {
        let mayBegin = rollout.phase.isForward && host.attempt <= rollout.settings.retries
        guard mayBegin || rollout.phase.isBefore else { return }
        requeue([host.name], toLast: true, reason: reason)
        begin([host.name], by: .tracker, reason: reason)
    }

    mutating func take(_ host: FleetHost) throws(Refusal) {
        noteVersion(of: host)
        guard !rollout.phase.isTerminal, rollout.phase != .rollingBack, !rollout.waves.isEmpty, !rollout.isLogFull
        else {
            return
        }
        // Later on its attempts are counted.
        let isWish = host.keptOut != nil || rollout.host(host.name)?.state.isKeptOut ?? false
        if rollout.phase.isBefore, !isWish, rollout.host(host.name)?.isRestless ?? false { return }
        let isMeant = rollout.target.selector.matches(host.name, labels: host.labels)
        let planned = RolloutPlanner(target: rollout.target, settings: rollout.settings).assess(host)
        guard let known = rollout.host(host.name) else {
            guard isMeant else { return }
            guard rollout.hosts.count < RolloutLimits.hosts else { throw .tooManyHosts }
            emit(.joined(planned), by: .tracker, reason: "joined the fleet or became meant")
            if planned.standing == .ready, !rollout.phase.isBefore { begin([host.name], by: .tracker) }
            return
        }
        guard isMeant else { return noteLeaving(host.name) }
        reassess(known, planned)
    }

    /// What a host would go back to may change until it is told to activate.
    private mutating func noteVersion(of host: FleetHost) {
        guard let known = rollout.host(host.name), !known.isExposed, !known.isRestless, !rollout.isLogFull,
            host.returnVersion != known.previous, host.active != rollout.target.master.version
        else { return }
        emit(.found(host: host.name, previous: host.returnVersion), by: .tracker)
    }

    /// What is known of a host has changed. Whoever is in the middle of being activated is left alone.
    private mutating func reassess(_ host: HostRecord, _ planned: PlannedHost) {
        switch (host.state, planned.standing) {
        case (.pending, .blocked(let reason)), (.staging, .blocked(let reason)), (.verifying, .blocked(let reason)),
            (.staged, .blocked(let reason)), (.deferredOffline, .blocked(let reason)):
            // Free space shrinks while the image comes in, so that only the host itself can tell that it is too little.
            guard reason != .noSpace || host.attempt == 0 else { return }
            // It is to be tried again all the same, and takes the version off its list when it activates.
            guard reason != .denied || !host.clearsDenial else { return }
            emit(.hosts([host.name], .blocked(reason: reason), deadline: nil), by: .tracker)
        // It might be done after all, and would be activated.
        case (.timedOut(.staging), .blocked(let reason)) where reason.isWish,
            (.timedOut(.verifying), .blocked(let reason)) where reason.isWish:
            emit(.hosts([host.name], .blocked(reason: reason), deadline: nil), by: .tracker)
        case (.pending, .already), (.deferredOffline, .already), (.blocked, .already):
            emit(.hosts([host.name], .already, deadline: nil), by: .tracker)
        case (.pending, .offline), (.blocked, .offline):
            emit(.hosts([host.name], .deferredOffline, deadline: nil), by: .tracker)
        case (.blocked, .ready), (.deferredOffline, .ready), (.left, .ready):
            takeIn(host, reason: "nothing stands in its way any more")
        default: break
        }
    }

    mutating func noteLeaving(_ name: HostName) {
        // Whoever goes back does so to its end: what it is to leave is no less bad for that.
        guard let host = rollout.host(name), host.state != .left, !host.isReturning, !rollout.phase.isTerminal else {
            return
        }
        emit(.hosts([name], .left, deadline: nil), by: .tracker, reason: "no longer part of the fleet, or not meant")
    }

    mutating func supersede(by number: UInt64) {
        guard number > rollout.number else { return }
        switch rollout.phase {
        // Going back goes on beside the newer one; the others have no orders that could stand in its way.
        case .rollingBack, .rolledBack, .aborted, .rejected, .superseded: return
        case .draft, .planned, .awaitingApproval, .scheduled, .staging, .canary, .rolling, .succeeded,
            .succeededWithExceptions:
            break
        }
        emit(.phase(.superseded, deadline: nil), by: .tracker, reason: "rollout \(number) of the same line has begun")
    }

    mutating func raise(_ hold: PauseReason) {
        guard !rollout.phase.isTerminal || rollout.phase.isSuccess, !rollout.holds.contains(hold) else { return }
        emit(.held(hold), by: .tracker)
    }

    mutating func lift(_ hold: PauseReason) {
        guard rollout.holds.contains(hold) else { return }
        emit(.lifted(hold), by: .tracker)
        if rollout.pause?.reason == hold { emit(.resumed, by: .tracker) }
    }

    /// What is withdrawn goes no further, and is left where it is active.
    mutating func noteRevocation() {
        guard !rollout.isRevoked else { return }
        let reason = "the master was withdrawn by its publishers"
        emit(.revoked, by: .tracker, reason: reason)
        if rollout.phase.isBefore {
            emit(.phase(.aborted, deadline: nil), by: .tracker, reason: reason)
        } else if rollout.phase.isForward {
            returnAll(by: .tracker, reason)
        }
    }

    /// Hosts may be further than the log says, and obey nothing until somebody has confirmed the new epoch.
    mutating func noteRestoration(_ epoch: String) {
        guard epoch != rollout.epoch else { return }
        emit(.restored(epoch: epoch), by: .tracker)
        guard rollout.phase.isForward, rollout.pause.map({ $0.reason.isHold }) ?? true else { return }
        pause(.restored, "the tracker's data were restored from a backup")
    }
}

extension HostRecord {
    /// Whether what it says of itself changed too often to be followed.
    fileprivate var isRestless: Bool { changes >= RolloutLimits.changesPerHost }
}
