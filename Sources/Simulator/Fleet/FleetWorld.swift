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
    /// All rollouts of the line, in the order in which they began.
    var runs: [FleetRun] = []
    /// The latest number of a decision.
    var order: UInt64 = 0
    /// Until when the tracker is away, and since when.
    var away: (until: Instant, since: Instant)?
    /// What each host last said of its versions.
    var told: [HostName: FleetHost] = [:]
    var presence: HostPresence
    var full: Set<Int> = []
    /// How many pauses of the latest rollout there were.
    var pauses: UInt64 = 0
    var reactionsUsed = 0
    var messages = 0
    var restSince: Instant?
    var faults: [String] = []
    var trace: [String] = []

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
        presence = HostPresence(limit: scenario.settings.silenceLimit)
        for (number, host) in scenario.hosts.enumerated() {
            places[host.facts.name] = number
            hosts.append(
                VirtualHost(host, imageBytes: scenario.imageBytes, at: now))
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
        let present = scenario.hosts.filter { $0.joinsAt == nil }.map(\.facts)
        try plan(scenario.version, for: present)
    }

    /// The latest rollout.
    var rollout: Rollout { runs[runs.count - 1].rollout }

    var isAtRest: Bool { runs.allSatisfy(\.rollout.isAtRest) }

    private mutating func plan(_ version: UInt64, for fleet: [FleetHost]) throws {
        guard let master = MasterReference(line: "debian", version: version, infoHash: "00ff") else {
            throw Refusal.planHasProblems([])
        }
        let target = RolloutTarget(master: master, imageBytes: scenario.imageBytes, selector: scenario.selector)
        let plan = RolloutPlanner(target: target, settings: scenario.settings).plan(fleet)
        order += 1
        let log = try Rollout.create(
            number: UInt64(runs.count + 1), epoch: "1-00", plan: plan, seed: random.next(), order: order, at: now,
            by: .operator(name: "ada"))
        runs.append(try FleetRun(log: log))
    }

    /// Starts the latest rollout, which takes the place of those before it.
    private mutating func start() throws {
        try command(.start)
        try input(.command(.approve), to: runs.count - 1, by: .operator(name: "bob"))
        for place in runs.indices.dropLast() { try input(.superseded(by: rollout.number), to: place) }
    }

    private mutating func run() throws -> FleetOutcome {
        try start()
        var isStuck = false
        var movingSince = now
        while faults.isEmpty, let (time, event) = queue.next() {
            now = Instant(milliseconds: time)
            try take(event)
            if case .sweep = event { schedule(.sweep, after: Self.sweepInterval * (isAtRest ? 6 : 1)) }
            if isAtRest {
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
            verdict: verdict, rollout: rollout, earlier: runs.dropLast().map(\.rollout), log: runs[runs.count - 1].log,
            duration: rollout.latest.since(Instant(milliseconds: 0)),
            active: hosts.map(\.active), messages: messages, trace: trace)
    }

    private mutating func take(_ event: Event) throws {
        switch event {
        case .poll(let number): try poll(number)
        case .echo(let report): if away == nil { try take(report) }
        case .returns(let number), .joins(let number): try comesBack(number)
        case .flaps(let number):
            hosts[number].toggle(at: now)
            let host = hosts[number]
            record("\(host.name) \(host.isUp ? "is back" : "is away")")
            if case .flaps(let every) = hosts[number].trouble { schedule(.flaps(number), after: every) }
        case .happening(let what): try happen(what)
        case .reaction(let commands, let pause):
            guard pauses == pause, rollout.pause != nil, away == nil else { return }
            for each in commands { try command(each) }
        case .roomMade(let number):
            full.remove(number)
            if away == nil { try input(.host(facts(number))) }
        case .sweep:
            if let (until, since) = away, until <= now { try comesBack(since: since) }
            guard away == nil else { return }
            for name in presence.overdue(at: now) {
                try input(.silent(name))
                presence.noteSilent(name)
            }
        }
        guard away == nil else { return }
        // The tracker sleeps until the next deadline or message; here a message may come first by a little.
        for place in runs.indices {
            while let deadline = runs[place].rollout.nextDeadline, deadline <= now { try input(.tick, to: place) }
        }
    }

    private mutating func take(_ report: HostReport) throws {
        for place in runs.indices where runs[place].rollout.number == report.stamp.rollout {
            try input(.report(report), to: place)
        }
    }

    /// A host and the tracker exchange what they have to say, unless a message is lost.
    private mutating func poll(_ number: Int) throws {
        let host = hosts[number]
        let isResting = isAtRest && runs.allSatisfy { $0.rollout.host(host.name)?.state.step == nil }
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
        guard hosts[number].isUp, !random.happens(scenario.lost), away == nil else { return }
        messages += 1
        if presence.heard(host.name, at: now) { try input(.heard(host.name)) }
        if let report {
            if random.happens(scenario.duplicated) {
                schedule(.echo(report), after: random.span(upTo: scenario.delay))
            }
            try take(report)
        }
        let facts = facts(number)
        if told.updateValue(facts, forKey: host.name) != facts { try input(.host(facts)) }
        let orders = runs.compactMap { $0.rollout.order(for: host.name) }
        guard !random.happens(scenario.lost), let order = HostOrder.standing(among: orders) else { return }
        check(order, for: host.name)
        hosts[number].take(order, at: now)
    }

    private mutating func comesBack(_ number: Int) throws {
        hosts[number].comesBack(at: now)
        let name = hosts[number].name
        record("\(name) is back")
        if scenario.hosts[number].joinsAt != nil, rollout.host(hosts[number].name) == nil {
            presence.watch(hosts[number].name, at: now)
            if away == nil { try input(.host(facts(number))) }
            schedule(.poll(number), after: scenario.pollInterval)
        }
    }

    private func facts(_ number: Int) -> FleetHost {
        var facts = scenario.hosts[number].facts
        facts.isOnline = hosts[number].isUp
        facts.active = hosts[number].active
        facts.held = hosts[number].held
        facts.denied = hosts[number].denied
        return facts
    }

    private mutating func happen(_ what: FleetScenario.Happening) throws {
        record("\(what)")
        switch what {
        case .leaves(let number):
            presence.forget(hosts[number].name)
            hosts[number].goAway()
            if away == nil { try input(.left(hosts[number].name)) }
        case .trackerIsAway(let span): if away == nil { away = (now + span, now) }
        case _ where away != nil: break
        case .command(let command): try self.command(command)
        case .hold(let hold): try input(.hold(hold))
        case .lift(let hold): try input(.lift(hold))
        case .drains(let number):
            var facts = facts(number)
            facts.isDrained = true
            try input(.host(facts))
        case .newRollout(let version):
            let fleet = hosts.indices.filter { presence.isWatched(hosts[$0].name) }.map(facts)
            guard version > rollout.target.master.version else { return }
            do { try plan(version, for: fleet) } catch is Refusal { return }
            try start()
        case .oldRollBack:
            guard runs.count > 1 else { return }
            try input(.command(.rollBack), to: runs.count - 2, by: .operator(name: "ada"))
        case .trackerRestarts: try foldAgain()
        }
    }

    /// The tracker is back after a while in which it heard nobody.
    private mutating func comesBack(since: Instant) throws {
        away = nil
        try foldAgain()
        try input(.resumed(after: now.since(since)))
    }

    /// What a new process makes of what was stored.
    private mutating func foldAgain() throws {
        for place in runs.indices {
            guard let folded = try Rollout.fold(runs[place].log) else { return }
            if folded != runs[place].rollout { faults.append("the fold of the log is not the live state") }
            runs[place].rollout = folded
        }
        presence = HostPresence(limit: scenario.settings.silenceLimit)
        for host in hosts {
            let states = runs.compactMap { $0.rollout.host(host.name)?.state }
            guard !states.isEmpty else { continue }
            presence.watch(host.name, at: now, isSilent: states.contains(.deferredOffline))
        }
    }

    private mutating func command(_ command: RolloutCommand) throws {
        try input(.command(command), to: runs.count - 1, by: .operator(name: "ada"))
    }

    /// What concerns all rollouts alike.
    private mutating func input(_ input: RolloutInput) throws {
        for place in runs.indices { try self.input(input, to: place) }
    }

    /// Everything that reaches a machine goes through here.
    private mutating func input(_ input: RolloutInput, to place: Int, by actor: Actor = .tracker) throws {
        let before = (pause: runs[place].rollout.pause, sequence: runs[place].rollout.sequence)
        do {
            let events = try runs[place].rollout.take(input, at: now, order: order + 1, by: actor)
            if !events.isEmpty { order += 1 }
            runs[place].log += events
            runs[place].oracle.take(events)
            for event in events where scenario.traceLimit > 0 {
                record("#\(place + 1) \(event.sequence) \(event.actor): \(event.transition)")
            }
            check(events, of: runs[place], wasPaused: before.pause != nil)
        } catch {
            if runs[place].rollout.sequence != before.sequence {
                faults.append("a refusal changed the state: \(error)")
            }
        }
        if isAtRest { restSince = restSince ?? now } else { restSince = nil }
        guard place == runs.count - 1, let pause = rollout.pause, pause != before.pause else { return }
        pauses += 1
        guard reactionsUsed < scenario.reactions.count else { return }
        let reaction = scenario.reactions[reactionsUsed]
        reactionsUsed += 1
        restSince = now + reaction.after
        schedule(.reaction(reaction.commands, toPause: pauses), after: reaction.after)
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
