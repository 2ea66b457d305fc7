// SPDX-License-Identifier: Apache-2.0

extension Rollout {
    /// The state that a log leads to.
    /// - Returns: `nil` for an empty log.
    package static func fold(_ log: some Sequence<RolloutEvent>) throws(RolloutLogError) -> Rollout? {
        var rollout: Rollout?
        for event in log {
            if rollout != nil {
                try rollout?.apply(event)
            } else if event.sequence == 1,
                case .created(let number, let epoch, let target, let settings, let seed) = event.transition
            {
                rollout = Rollout(
                    number: number, epoch: epoch, target: target, settings: settings, seed: seed, at: event.at)
                rollout?.record(event)
            } else {
                throw RolloutLogError(sequence: event.sequence, fault: "it does not begin with the rollout's creation")
            }
        }
        return rollout
    }

    /// Adds the next event of the log.
    package mutating func apply(_ event: RolloutEvent) throws(RolloutLogError) {
        let fault: String? =
            if event.sequence != sequence + 1 {
                "number \(sequence + 1) was expected"
            } else if event.order < latestOrder {
                "its order's number lies before that of the entry before it"
            } else if event.at < latest {
                "its time lies before that of the entry before it"
            } else if let name = event.transition.names.first(where: { places[$0] == nil }) {
                "there is no host \(name)"
            } else {
                switch event.transition {
                case .created: "a rollout is created once"
                case .planned(let planned, let aside): refusal(of: planned.joined() + aside, waves: planned.count)
                case .phase(let phase, _): waves.isEmpty && !phase.isTerminal ? "it was not planned" : nil
                case .joined(let host): waves.isEmpty ? "it was not planned" : refusal(of: [host], waves: waves.count)
                case .wave(let number, _), .moved(_, let number), .tolerated(.some(let number), _):
                    waves.indices.contains(number) ? nil : "there is no wave \(number)"
                default: nil
                }
            }
        if let fault { throw RolloutLogError(sequence: event.sequence, fault: fault) }
        fold(event)
    }

    private func refusal(of planned: some Sequence<PlannedHost>, waves count: Int) -> String? {
        var names = Set<HostName>()
        guard (1...RolloutLimits.waves).contains(count) else { return "there are \(count) waves" }
        guard planned.allSatisfy({ places[$0.name] == nil && names.insert($0.name).inserted }) else {
            return "a host comes twice"
        }
        return hosts.count + names.count > RolloutLimits.hosts ? "there are too many hosts" : nil
    }

    /// Adds an event that ``apply(_:)`` would take.
    mutating func fold(_ event: RolloutEvent) {
        let wasHeld = holdsActivation
        switch event.transition {
        case .created, .noted: break
        case .planned(let planned, let aside):
            // There is a last wave for whoever comes later even when all that are there now are canaries.
            waves = Array(repeating: WaveRecord(), count: max(2, planned.count))
            for (number, members) in planned.enumerated() {
                for host in members { add(host, to: number, event) }
            }
            for host in aside { add(host, to: waves.count - 1, event) }
        case .phase(let phase, let deadline): enter(phase, deadline: deadline, event)
        case .paused(let reason):
            pause = Pause(reason: reason, since: event.at, by: event.actor, explanation: event.reason)
        case .resumed: pause = nil
        case .held(let reason):
            if !holds.contains(reason) { holds.append(reason) }
            if phase.isSuccess { renewOrders(event, where: follows) }
        case .lifted(let reason):
            holds.removeAll { $0 == reason }
            if phase.isSuccess { renewOrders(event, where: follows) }
        case .wave(let number, let state):
            waves[number].state = state
            if state == .eligible { currentWave = number }
        case .hosts(let names, let state, let deadline):
            for place in names.compactMap({ places[$0] }) { move(place, to: state, deadline: deadline, event) }
        case .progressed(let name, let bytes, let deadline):
            guard let place = places[name] else { break }
            change(place) { host in
                host.bytes = bytes
                host.progressAt = event.at
                host.deadline = deadline
            }
        case .moved(let names, let wave):
            for place in names.compactMap({ places[$0] }) where hosts[place].wave != wave {
                change(place) { $0.wave = wave }
                waves[wave].members.append(place)
            }
        case .joined(let host): add(host, to: waves.count - 1, event)
        case .recounted(let names):
            for place in names.compactMap({ places[$0] }) {
                change(place) { host in
                    host.attempt = 0
                    host.clearsDenial =
                        host.clearsDenial || host.state.kind == .rolledBack || host.state == .blocked(reason: .denied)
                }
            }
        case .extended(let names, let span):
            for place in names.compactMap({ places[$0] }) { extend(place, by: span) }
        case .shifted(let span):
            for place in hosts.indices where hosts[place].state.step != nil { extend(place, by: span) }
        case .found(let name, let previous):
            guard let place = places[name] else { break }
            change(place) { host in
                host.previous = previous
                host.changes += 1
            }
        case .revoked:
            isRevoked = true
            renewOrders(event) { _ in true }
        case .restored(let epoch): self.epoch = epoch
        case .tolerated(let wave?, let failures): waves[wave].tolerated = failures
        case .tolerated(nil, let failures): stageTally.tolerated = failures
        }
        if holdsActivation != wasHeld { renewOrders(event) { $0.state == .timedOut(step: .activating) } }
        record(event)
    }

    /// Remembers the event's number, time and request.
    private mutating func record(_ event: RolloutEvent) {
        sequence = event.sequence
        latestOrder = event.order
        if event.sequence == 1 { createdOrder = event.order }
        latest = event.at
        dropStaleDeadlines()
        guard let key = event.request else { return }
        let request = KnownRequest(actor: event.actor, key: key)
        guard knownRequests[request] == nil else { return }
        knownRequests.updateValue(event.asked, forKey: request)
        requests.append(request)
        guard requests.count >= 2 * RolloutLimits.requests else { return }
        for old in requests.prefix(RolloutLimits.requests) { knownRequests.removeValue(forKey: old) }
        requests.removeFirst(RolloutLimits.requests)
    }

    private mutating func add(_ planned: PlannedHost, to wave: Int, _ event: RolloutEvent) {
        let host = HostRecord(
            planned, wave: wave, order: event.order, clearsDenial: settings.clearsDenials, at: event.at)
        places[host.name] = hosts.count
        waves[wave].members.append(hosts.count)
        hosts.append(host)
        waves[wave].tally.count(host, by: 1)
        stageTally.count(host, by: 1)
    }

    private mutating func enter(_ phase: RolloutPhase, deadline: Instant?, _ event: RolloutEvent) {
        // Hosts that follow by themselves after the end may have done so without having said it.
        if self.phase.isSuccess {
            for place in hosts.indices where follows(hosts[place]) { hosts[place].exposedBy = hosts[place].order }
        }
        if phase == .awaitingApproval { startedBy = event.actor }
        self.phase = phase
        if phase.isForward || phase == .rollingBack { hasBegun = true }
        phaseSince = event.at
        phaseDeadline = deadline
        guard phase.isTerminal || phase == .rollingBack else { return }
        pause = nil
        deadlines.removeAll()
        for place in hosts.indices {
            hosts[place].deadline = nil
            hosts[place].order = event.order
        }
    }

    /// What hosts have to do has changed without a change of their states.
    private mutating func renewOrders(_ event: RolloutEvent, where concerns: (HostRecord) -> Bool) {
        for place in hosts.indices where concerns(hosts[place]) { hosts[place].order = event.order }
    }

    private mutating func extend(_ place: Int, by span: Span) {
        change(place) { $0.deadline = $0.deadline.map { $0 + span } }
    }

    private mutating func move(_ place: Int, to state: HostState, deadline: Instant?, _ event: RolloutEvent) {
        if case .failed(let failure) = state, let retryAt = failure.retryAt, failure.step != .rollingBack {
            noteRetry(retryAt, now: event.at)
        }
        let deadline = phase.isTerminal ? nil : deadline
        let (isBefore, isHeld) = (phase.isBefore, holdsActivation)
        change(place) { host in
            let (old, ordered) = (host.state, host.orderedStep(isHeld: isHeld))
            // What operators want of it is no unrest of the host's.
            if isBefore, !old.isKeptOut, !state.isKeptOut { host.changes += 1 }
            host.state = state
            host.since = event.at
            host.deadline = deadline
            // Whoever begins, or begins again after an end, makes an attempt.
            let isBeginning = old.step == nil && old != .staged && old != .healthy && state != .rollingBack
            if (isBeginning || old.retryAt != nil) && (state.step != nil || state == .staged) { host.attempt += 1 }
            switch state {
            case .staging: host.progressAt = event.at
            case .staged:
                host.isStaged = true
                host.isAttempted = false
            case .activating(isTaken: false):
                host.isAttempted = true
                host.exposedBy = event.order
            case .skipped, .left: host.isAttempted = false
            case .failed(let failure):
                host.lastFailure = failure.code
                if failure.step.isStaging { host.isStaged = false }
            case .healthy: host.lastFailure = nil
            case .rollingBack: host.clearsDenial = false
            case .rolledBack:
                host.exposedBy = nil
                host.clearsDenial = false
            default: break
            }
            let next = host.orderedStep(isHeld: isHeld)
            let isSameOrder = [ordered, next].allSatisfy { $0 == .activate || $0 == .probe }
            // Going back once more is a new order, or the host would take it for the one that it failed.
            if (next != ordered && !isSameOrder) || state == .rollingBack { host.order = event.order }
        }
    }

    private mutating func noteRetry(_ instant: Instant, now: Instant) {
        retries.removeAll { $0 + settings.retryBudget.per <= now }
        retries.insert(instant, at: retries.lastIndex { $0 <= instant }.map { $0 + 1 } ?? 0)
    }

    /// Changes a host and everything that counts it.
    private mutating func change(_ place: Int, _ change: (inout HostRecord) -> Void) {
        var host = hosts[place]
        waves[host.wave].tally.count(host, by: -1)
        stageTally.count(host, by: -1)
        change(&host)
        waves[host.wave].tally.count(host, by: 1)
        stageTally.count(host, by: 1)
        // What was tolerated is no allowance for others once it is gone.
        let before = hosts[place].wave
        waves[before].forgive()
        stageTally.forgive()
        if let deadline = host.deadline, deadline != hosts[place].deadline {
            deadlines.insert(DeadlineQueue.Entry(at: deadline, host: place))
        }
        hosts[place] = host
    }

    private mutating func dropStaleDeadlines() {
        while let entry = deadlines.first, hosts[entry.host].deadline != entry.at { deadlines.removeFirst() }
    }
}

extension RolloutEvent {
    /// What its request asked for, as far as that is known.
    fileprivate var asked: String? {
        if case .created = transition { "create" } else { command }
    }
}

extension Transition {
    /// Hosts that it takes for known.
    fileprivate var names: [HostName] {
        switch self {
        case .hosts(let names, _, _), .moved(let names, _), .recounted(let names), .extended(let names, _): names
        case .progressed(let name, _, _), .found(let name, _): [name]
        default: []
        }
    }
}
