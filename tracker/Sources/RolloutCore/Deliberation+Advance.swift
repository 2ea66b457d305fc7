// SPDX-License-Identifier: Apache-2.0

/// What can begin, begins: phases, waves and the hosts in them.
extension Deliberation {
    mutating func advance() {
        holdIfHeld()
        stopOnFailures()
        // A wave that a host more was tried on may have come to its minimum sample.
        while step() {
            holdIfHeld()
            stopOnFailures()
        }
    }

    private mutating func holdIfHeld() {
        guard rollout.phase.isForward || rollout.phase == .scheduled, rollout.pause == nil,
            let hold = rollout.holds.first(where: rollout.isHeld(by:))
        else { return }
        pause(hold, nil)
    }

    /// - Returns: whether something changed, so that more may follow.
    private mutating func step() -> Bool {
        if rollout.phase == .rollingBack { return endReturn() }
        guard rollout.pause == nil else { return false }
        switch rollout.phase {
        case .scheduled: return beginStaging()
        case .staging: return beginCanaries()
        case .canary, .rolling: return advanceWave(rollout.currentWave)
        default: return false
        }
    }

    private mutating func beginStaging() -> Bool {
        emit(.phase(.staging, deadline: nil), by: .tracker)
        let hosts = names { $0.state == .pending }
        if !hosts.isEmpty { begin(hosts, by: .tracker) }
        return true
    }

    private mutating func beginCanaries() -> Bool {
        let canaries = rollout.waves[0].tally
        guard canaries.preparing == 0 else { return false }
        guard canaries.ready > 0 else { return findCanary("no canary could be staged") }
        emit(.phase(.canary, deadline: nil), by: .tracker)
        emit(.wave(number: 0, .eligible), by: .tracker)
        return true
    }

    /// The next host in turn becomes a canary, unless the operator chose them.
    private mutating func findCanary(_ reason: String) -> Bool {
        var isChosen = false
        if case .named = rollout.settings.canaries { isChosen = true }
        let isMissing = rollout.waves[0].tally.attempted == 0
        let next = rollout.hosts.first { host in
            host.wave > 0 && [.staging, .verifying, .staged].contains(host.state.kind)
        }
        if !isChosen, isMissing, let next {
            emit(.moved([next.name], wave: 0), by: .tracker, reason: reason)
        } else {
            pause(.stalled, reason)
        }
        return rollout.pause == nil
    }

    private mutating func advanceWave(_ number: Int) -> Bool {
        let wave = rollout.waves[number]
        if wave.tally.ready > 0, activate(number) { return true }
        if wave.tally.isSettled { return endWave(number) }
        let tally = wave.tally
        guard tally.ready == 0, tally.activating == 0, tally.retrying == 0, tally.reverting == 0 else { return false }
        if wave.tally.soaking > 0 {
            if wave.state == .activating { emit(.wave(number: number, .soaking), by: .tracker) }
            return false
        }
        // All that the wave waits for are hosts that are still being staged.
        guard wave.tally.attempted > 0, number < rollout.waves.count - 1 else { return false }
        let stragglers = names { $0.wave == number && $0.isBeingStaged }
        requeue(stragglers, toLast: true, reason: "the wave does not wait for staging")
        return true
    }

    /// Fills the free slots.
    private mutating func activate(_ number: Int) -> Bool {
        let busy = rollout.waves.reduce(0) { $0 + $1.tally.activating }
        let free = rollout.settings.slots - busy
        guard free > 0 else { return false }
        var next: [HostName] = []
        var taken: Set<Int> = []
        for place in rollout.waves[number].members where next.count < free {
            let host = rollout.hosts[place]
            // Whoever was moved away and back is a member twice.
            guard host.wave == number, host.state == .staged, taken.insert(place).inserted else { continue }
            next.append(host.name)
        }
        guard !next.isEmpty else { return false }
        if rollout.waves[number].state != .activating { emit(.wave(number: number, .activating), by: .tracker) }
        let deadline = now + rollout.settings.silenceLimit
        emit(.hosts(next, .activating(isTaken: false), deadline: deadline), by: .tracker)
        return true
    }

    private mutating func endWave(_ number: Int) -> Bool {
        let wave = rollout.waves[number]
        if !wave.state.isOver {
            if number == 0, wave.tally.healthy == 0 { return findCanary("no canary is healthy") }
            emit(.wave(number: number, wave.tally.attempted > 0 ? .passed : .skipped), by: .tracker)
        }
        if number == 0, !rollout.settings.isPromotedAutomatically {
            pause(.canaryGate, nil)
            return false
        }
        if number < rollout.waves.count - 1 {
            beginNextWave(nil)
            return true
        }
        return end()
    }

    mutating func beginNextWave(_ reason: String?) {
        if rollout.phase != .rolling { emit(.phase(.rolling, deadline: nil), reason: reason) }
        emit(.wave(number: min(rollout.currentWave + 1, rollout.waves.count - 1), .eligible), reason: reason)
    }

    /// Ends the rollout once nobody is on the way any more, in earlier waves too.
    private mutating func end() -> Bool {
        guard !rollout.waves.contains(where: { $0.tally.isMoving || $0.tally.ready + $0.tally.preparing > 0 }) else {
            return false
        }
        let isWhole = rollout.hosts.allSatisfy { $0.state == .healthy || $0.state == .already || $0.state == .left }
        emit(.phase(isWhole ? .succeeded : .succeededWithExceptions, deadline: nil), by: .tracker)
        return true
    }
}

extension HostRecord {
    /// Whether it may still become staged by itself.
    fileprivate var isBeingStaged: Bool {
        if case .failed(let failure) = state { return failure.retryAt != nil && failure.step.isStaging }
        return state == .pending || state == .staging || state == .verifying
    }
}
