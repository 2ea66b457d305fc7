// SPDX-License-Identifier: Apache-2.0

import RolloutCore

/// What the machine promises, whatever the fleet does.
extension FleetWorld {
    /// After each input.
    mutating func check(_ events: [RolloutEvent], of run: FleetRun, wasPaused: Bool) {
        let (rollout, oracle) = (run.rollout, run.oracle)
        if !rollout.isAtRest, rollout.nextDeadline == nil {
            faults.append("\(rollout.phase) without a deadline at \(now.milliseconds)")
        }
        var isPaused = wasPaused
        for event in events {
            switch event.transition {
            case .paused: isPaused = true
            case .resumed, .phase: isPaused = false
            default: break
            }
            guard case .hosts(let names, .activating(isTaken: false), _) = event.transition, rollout.phase.isForward
            else { continue }
            if isPaused { faults.append("hosts were activated during a pause") }
            for name in names where oracle.waves[name].map({ $0 > rollout.currentWave }) ?? true {
                faults.append("\(name) was activated before its wave")
            }
        }
        // Counting takes a look at every host: each time in small fleets, now and then in large ones.
        let isLooked = hosts.count <= 100 || rollout.sequence % 512 == 0
        if isLooked, events.contains(where: \.mayFail), rollout.phase.isForward, rollout.pause == nil {
            checkFailures(rollout, oracle)
        }
    }

    /// A rollout that goes on has no more failures than are tolerated.
    private mutating func checkFailures(_ rollout: Rollout, _ oracle: FleetOracle) {
        let settings = scenario.settings
        for wave in 0...rollout.currentWave {
            let (failed, attempted) = oracle.count(wave)
            let limit = wave == 0 ? 0 : max(settings.toleratedFailures, attempted * settings.toleratedPercent / 100)
            let isSample = wave == 0 || attempted >= settings.minimumSample
            if isSample, failed - min(failed, oracle.tolerated[wave] ?? 0) > limit {
                faults.append("\(failed) of \(attempted) hosts of wave \(wave) failed, and the rollout goes on")
            }
        }
    }

    /// Each order as it is given.
    mutating func check(_ order: HostOrder, for name: HostName) {
        if let known = places[name].flatMap({ hosts[$0].order?.stamp.order }), order.stamp.order < known {
            faults.append("\(name) has an order that is older than what it knows")
        }
        guard order.step == .activate || order.step == .probe,
            let rollout = runs.first(where: { $0.rollout.number == order.stamp.rollout })?.rollout,
            let host = rollout.host(name)
        else { return }
        if let place = places[name], let active = hosts[place].active, active > order.master.version {
            faults.append(
                "\(name) has version \(active) and an order to activate \(order.master.version), without a rollback")
        }
        if rollout.phase.isForward, host.wave > rollout.currentWave {
            faults.append("\(name) of wave \(host.wave) has an order to activate in wave \(rollout.currentWave)")
        }
        if rollout.phase == .rollingBack || rollout.phase == .rolledBack || rollout.phase == .aborted {
            faults.append("\(name) has an order to activate, and the rollout is \(rollout.phase)")
        }
    }

    /// In the end.
    mutating func checkEnd() {
        guard faults.isEmpty else { return }
        for run in runs where (try? Rollout.fold(run.log)) != .some(run.rollout) {
            faults.append("the fold of the log is not the live state")
        }
        guard let restSince, now.since(restSince) > Self.grace, away == nil else { return }
        for (place, run) in runs.enumerated() where run.rollout.phase.isTerminal {
            for (number, host) in hosts.enumerated() where host.isUp && !host.isFlapping {
                // Whoever came back a moment ago has not heard of it yet.
                guard now.since(host.upSince) > Self.grace else { continue }
                check(run, isLatest: place == runs.count - 1, host, scenario.hosts[number])
            }
        }
    }

    private mutating func check(
        _ run: FleetRun, isLatest: Bool, _ host: VirtualHost, _ made: FleetScenario.Host
    ) {
        let rollout = run.rollout
        guard let record = rollout.host(host.name), record.state != .left else { return }
        let isNew = host.active == rollout.target.master.version
        // What a newer rollout wants activated goes before what an older one wants taken back.
        let isOverruled = host.order.map { $0.stamp.rollout > rollout.number && $0.step != .nothing } ?? false
        if rollout.phase == .rolledBack, isNew, made.facts.active != rollout.target.master.version,
            !host.cannotGoBack, !isOverruled
        {
            faults.append("\(host.name) could be reached and was not rolled back by rollout \(rollout.number)")
        }
        let follows = record.state == .deferredOffline && host.trouble == nil && run.oracle.holds.isEmpty
        if isLatest, rollout.phase.isSuccess, !rollout.isRevoked, !isNew, record.state == .healthy || follows,
            host.order?.step != .rollBack
        {
            faults.append("\(host.name) has not the new version")
        }
        if rollout.phase == .rolledBack, record.state == .healthy {
            faults.append("\(host.name) is healthy, says the log")
        }
    }
}

extension RolloutEvent {
    /// Whether the balance of failures and attempts may have changed.
    fileprivate var mayFail: Bool {
        guard case .hosts(_, let state, _) = transition else { return false }
        return [.failed, .timedOut, .rolledBack, .activating].contains(state.kind)
    }
}
