// SPDX-License-Identifier: Apache-2.0

import RolloutCore

/// Runs a ``FleetScenario`` under virtual time. The rollout machine, its log and the presence of hosts are the real
/// ones; hosts, messages, clocks and operators are made up.
package struct FleetWorld {
    enum Event {
        /// A host gets in touch, as often as its life lasts.
        case poll(Int)
        /// A message arrives a second time, long after it was answered.
        case echo(HostReport)
        case returns(Int)
        case flaps(Int)
        case happening(FleetScenario.Happening)
        case reaction([RolloutCommand], toPause: UInt64)
        case joins(Int)
        /// There is room again.
        case roomMade(Int)
        /// The tracker looks who has become silent, and whether a deadline has passed.
        case sweep
    }

    let scenario: FleetScenario
    var random: SeededRandom
    var queue = EventQueue<Event>()
    var now = Instant(milliseconds: 0)
    var hosts: [VirtualHost] = []
    var places: [HostName: Int] = [:]
    var rollout: Rollout
    var log: [RolloutEvent]
    var presence: HostPresence
    var full: Set<Int> = []
    var reactionsUsed = 0
    var messages = 0
    var restSince: Instant?
    var faults: [String] = []
    var trace: [String] = []
    var oracle = FleetOracle()

    /// How long the world goes on after the rollout has ended, so that hosts hear of it.
    static let grace = Span.minutes(30)
    private static let sweepInterval = Span.seconds(10)

    /// Runs it to its end.
    /// - Returns: `nil` when the scenario's fleet cannot be planned for, which its problems say.
    package static func run(_ scenario: FleetScenario) throws -> FleetOutcome {
        var world = try FleetWorld(scenario)
        return try world.run()
    }

    private init(_ scenario: FleetScenario) throws {
        self.scenario = scenario
        random = SeededRandom(seed: scenario.seed)
        let present = scenario.hosts.filter { $0.joinsAt == nil }.map(\.facts)
        guard let master = MasterReference(line: "debian", version: scenario.version, infoHash: "00ff") else {
            throw Refusal.planHasProblems([])
        }
        let target = RolloutTarget(master: master, imageBytes: scenario.imageBytes, selector: scenario.selector)
        let plan = RolloutPlanner(target: target, settings: scenario.settings).plan(present)
        log = try Rollout.create(number: 1, plan: plan, seed: random.next(), at: now, by: .operator(name: "ada"))
        guard let rollout = try Rollout.fold(log) else { throw Refusal.planHasProblems([]) }
        self.rollout = rollout
        presence = HostPresence(limit: scenario.settings.silenceLimit)
        oracle.take(log)
        for (number, host) in scenario.hosts.enumerated() {
            places[host.facts.name] = number
            hosts.append(
                VirtualHost(host, version: scenario.version, imageBytes: scenario.imageBytes, at: now))
            if let joinsAt = host.joinsAt {
                schedule(.joins(number), after: joinsAt)
            } else {
                schedule(.poll(number), after: random.span(upTo: scenario.pollInterval))
                presence.watch(host.facts.name, at: now)
            }
            if case .flaps(let every) = host.trouble { schedule(.flaps(number), after: every) }
            if case .isFull(let until) = host.trouble {
                full.insert(number)
                schedule(.roomMade(number), after: until)
            }
        }
        for (at, what) in scenario.happenings { schedule(.happening(what), after: at) }
        schedule(.sweep, after: Self.sweepInterval)
    }

    private mutating func run() throws -> FleetOutcome {
        try command(.start)
        try command(.approve)
        var isStuck = false
        var movingSince = now
        while faults.isEmpty, let (time, event) = queue.next() {
            now = Instant(milliseconds: time)
            try take(event)
            if case .sweep = event { schedule(.sweep, after: Self.sweepInterval * (rollout.isAtRest ? 6 : 1)) }
            if rollout.isAtRest {
                movingSince = now
                if let restSince, now.since(restSince) > Self.grace + Self.grace { break }
            } else if now.since(movingSince) > scenario.patience {
                isStuck = true
                break
            }
        }
        checkEnd()
        let verdict: FleetOutcome.Verdict =
            if !faults.isEmpty {
                .wrong(faults)
            } else if isStuck {
                .stuck
            } else if let pause = rollout.pause {
                .paused(pause.reason)
            } else {
                .ended(rollout.phase)
            }
        return FleetOutcome(
            verdict: verdict, rollout: rollout, log: log, duration: rollout.latest.since(Instant(milliseconds: 0)),
            active: hosts.map(\.active), messages: messages, trace: trace)
    }

    private mutating func take(_ event: Event) throws {
        switch event {
        case .poll(let number): try poll(number)
        case .echo(let report): try input(.report(report))
        case .returns(let number), .joins(let number): try comesBack(number)
        case .flaps(let number):
            hosts[number].toggle(at: now)
            let host = hosts[number]
            record("\(host.name) \(host.isUp ? "is back" : "is away")")
            if case .flaps(let every) = hosts[number].trouble { schedule(.flaps(number), after: every) }
        case .happening(let what): try happen(what)
        case .reaction(let commands, let pause):
            guard oracle.pauses == pause, rollout.pause != nil else { return }
            for each in commands { try command(each) }
        case .roomMade(let number):
            full.remove(number)
            try input(.host(facts(number)))
        case .sweep:
            for name in presence.newlySilent(at: now) { try input(.silent(name)) }
        }
        // The tracker sleeps until the next deadline or message; here a message may come first by a little.
        while let deadline = rollout.nextDeadline, deadline <= now { try input(.tick) }
    }

    /// A host and the tracker exchange what they have to say, unless a message is lost.
    private mutating func poll(_ number: Int) throws {
        let host = hosts[number]
        let isResting = rollout.isAtRest && rollout.host(host.name)?.state.step == nil
        let pace = isResting ? scenario.restingPollInterval : scenario.pollInterval
        let interval = Double(pace.milliseconds) / host.clockRate
        let wasUp = host.isUp
        let report = hosts[number].poll(at: now, full: full.contains(number))
        if wasUp, !hosts[number].isUp {
            record("\(host.name) dies")
            if let returnsAt = hosts[number].returnsAt { schedule(.returns(number), after: returnsAt.since(now)) }
        }
        // A host that is down for good takes no more of the world's time.
        if hosts[number].isUp || hosts[number].returnsAt != nil || hosts[number].isFlapping {
            schedule(.poll(number), after: Span(milliseconds: Int64(interval)))
        }
        guard hosts[number].isUp, !random.happens(scenario.lost) else { return }
        messages += 1
        if presence.heard(host.name, at: now) { try input(.heard(host.name)) }
        if let report {
            if random.happens(scenario.duplicated) {
                schedule(.echo(report), after: random.span(upTo: scenario.delay))
            }
            try input(.report(report))
        }
        guard !random.happens(scenario.lost), let order = rollout.order(for: host.name, epoch: 1) else { return }
        check(order, for: host.name)
        hosts[number].take(order, at: now)
    }

    private mutating func comesBack(_ number: Int) throws {
        hosts[number].comesBack(at: now)
        let name = hosts[number].name
        record("\(name) is back")
        if scenario.hosts[number].joinsAt != nil, rollout.host(hosts[number].name) == nil {
            presence.watch(hosts[number].name, at: now)
            try input(.host(facts(number)))
            schedule(.poll(number), after: scenario.pollInterval)
        }
    }

    private func facts(_ number: Int) -> FleetHost {
        var facts = scenario.hosts[number].facts
        facts.isOnline = hosts[number].isUp
        facts.active = hosts[number].active
        facts.denied = hosts[number].denied
        return facts
    }

    private mutating func happen(_ what: FleetScenario.Happening) throws {
        record("\(what)")
        switch what {
        case .command(let command): try self.command(command)
        case .hold(let hold): try input(.hold(hold))
        case .lift(let hold): try input(.lift(hold))
        case .leaves(let number):
            presence.forget(hosts[number].name)
            hosts[number].goAway()
            try input(.left(hosts[number].name))
        case .drains(let number):
            var facts = facts(number)
            facts.isDrained = true
            try input(.host(facts))
        case .superseded: try input(.superseded(by: 2))
        case .trackerRestarts:
            guard let folded = try Rollout.fold(log) else { return }
            if folded != rollout { faults.append("the fold of the log is not the live state") }
            rollout = folded
            presence = HostPresence(limit: scenario.settings.silenceLimit)
            for host in hosts where rollout.host(host.name) != nil { presence.watch(host.name, at: now) }
        }
    }

    private mutating func command(_ command: RolloutCommand) throws {
        try input(.command(command), by: .operator(name: "ada"))
    }

    /// Everything that reaches the machine goes through here.
    private mutating func input(_ input: RolloutInput, by actor: Actor = .tracker) throws {
        let before = (pause: rollout.pause, sequence: rollout.sequence)
        do {
            let events = try rollout.take(input, at: now, by: actor)
            log += events
            oracle.take(events)
            for event in events where scenario.traceLimit > 0 {
                record("\(event.sequence) \(event.actor): \(event.transition)")
            }
            check(events, wasPaused: before.pause != nil)
        } catch {
            if rollout.sequence != before.sequence { faults.append("a refusal changed the state: \(error)") }
        }
        if rollout.isAtRest { restSince = restSince ?? now } else { restSince = nil }
        guard let pause = rollout.pause, pause != before.pause else { return }
        oracle.pauses += 1
        guard reactionsUsed < scenario.reactions.count else { return }
        let reaction = scenario.reactions[reactionsUsed]
        reactionsUsed += 1
        restSince = now + reaction.after
        schedule(.reaction(reaction.commands, toPause: oracle.pauses), after: reaction.after)
    }

    private mutating func schedule(_ event: Event, after span: Span) {
        queue.schedule(event, at: (now + span).milliseconds)
    }

    mutating func record(_ what: String) {
        guard trace.count < scenario.traceLimit else { return }
        trace.append("\(Double(now.milliseconds) / 1000) \(what)")
    }
}

extension SeededRandom {
    mutating func span(upTo longest: Span) -> Span {
        Span(milliseconds: Int64.random(in: 0...longest.milliseconds, using: &self))
    }
}
