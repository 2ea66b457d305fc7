// SPDX-License-Identifier: Apache-2.0

/// One decision under way: the state as the events so far leave it, and those events.
///
/// What the parts of it promise each other: a refusal is thrown before the first event, and after every input
/// ``advance()`` has begun whatever can begin. So a rollout that goes forward and is not paused always has a host with a
/// deadline, and cannot be forgotten.
struct Deliberation {
    private(set) var rollout: Rollout
    private(set) var events: [RolloutEvent] = []
    let now: Instant
    private let order: UInt64
    let actor: Actor
    private let keptOut: (HostName) -> BlockReason?
    /// Goes with the first event only, and so does what it asks for.
    private(set) var request: String?
    private var command: String?

    init(
        _ rollout: Rollout, at now: Instant, order: UInt64, by actor: Actor, request: String?,
        keptOut: @escaping (HostName) -> BlockReason? = { _ in nil }
    ) {
        self.rollout = rollout
        self.keptOut = keptOut
        self.now = max(now, rollout.latest)
        self.order = max(order, rollout.latestOrder)
        self.actor = actor
        self.request = request
    }

    /// Adds an event.
    /// - Parameter actor: `nil` for whoever the decision is made for.
    mutating func emit(_ transition: Transition, by actor: Actor? = nil, reason: String? = nil) {
        let event = RolloutEvent(
            sequence: rollout.sequence + 1, order: order, at: now, actor: actor ?? self.actor, reason: reason,
            request: request, command: command, transition: transition)
        (request, command) = (nil, nil)
        events.append(event)
        rollout.fold(event)
    }

    mutating func take(_ input: RolloutInput, reason: String?) throws(Refusal) {
        switch input {
        case .command(let command):
            guard try !isRepeated(command) else { return }
            try checkTexts(reason)
            if request != nil { self.command = command.text }
            try carryOut(command, reason: reason)
            // What changes nothing is remembered too, so that it changes nothing when it comes again later.
            if events.isEmpty { emit(.noted(command: command.name), reason: reason) }
        case .report(let report): take(report)
        case .silent(let name): noteSilence(name)
        case .heard(let name): noteReturn(name)
        case .host(let host): try take(host)
        case .left(let name): noteLeaving(name)
        case .superseded(let number): supersede(by: number)
        case .hold(let hold): raise(hold.reason)
        case .lift(let hold): lift(hold.reason)
        case .revoked: noteRevocation()
        case .resumed(let span): shift(by: span)
        case .restored(let epoch): noteRestoration(epoch)
        case .tick: passDeadlines()
        }
        advance()
    }

    /// Whether the operator's request was carried out before.
    private func isRepeated(_ command: RolloutCommand) throws(Refusal) -> Bool {
        guard let request, let asked = rollout.knownRequests[KnownRequest(actor: actor, key: request)] else {
            return false
        }
        guard asked == nil || asked == command.text else { throw .keyOfAnother }
        return true
    }

    func place(_ name: HostName) throws(Refusal) -> Int {
        guard let place = rollout.places[name] else { throw .unknownHost(name) }
        return place
    }

    /// The names of those hosts for which something holds.
    func names(where holds: (HostRecord) -> Bool) -> [HostName] { rollout.hosts.lazy.filter(holds).map(\.name) }

    /// Lets hosts begin, or begin again, with what they have; staging has to be done first. Those that operators keep out
    /// are put aside instead.
    mutating func begin(_ all: [HostName], by actor: Actor? = nil, reason: String? = nil) {
        let names = all.filter { keptOut($0) == nil }
        for wish in BlockReason.allCases where wish.isWish {
            let aside = all.filter { keptOut($0) == wish }
            if !aside.isEmpty { emit(.hosts(aside, .blocked(reason: wish), deadline: nil), by: actor, reason: reason) }
        }
        let staged = names.filter { rollout.host($0)?.isStaged == true }
        let others = names.filter { rollout.host($0)?.isStaged != true }
        if !staged.isEmpty { emit(.hosts(staged, .staged, deadline: nil), by: actor, reason: reason) }
        guard !others.isEmpty else { return }
        let isBefore = rollout.phase.isBefore
        emit(
            .hosts(
                others, isBefore ? .pending : .staging,
                deadline: isBefore ? nil : now + rollout.settings.stageProgressLimit),
            by: actor, reason: reason)
    }

    /// Moves hosts into the wave in which they can still be activated: theirs, or the last one.
    mutating func requeue(_ names: [HostName], toLast: Bool = false, reason: String? = nil) {
        let last = rollout.waves.count - 1
        let current = rollout.phase.isBefore || rollout.phase == .staging ? 0 : rollout.currentWave
        let late = names.filter { name in
            rollout.host(name).map {
                $0.wave != last && (toLast || $0.wave < current || rollout.waves[$0.wave].state.isOver)
            } ?? false
        }
        if !late.isEmpty { emit(.moved(late, wave: last), by: .tracker, reason: reason) }
    }

    mutating func pause(_ reason: PauseReason, by actor: Actor? = .tracker, _ explanation: String?) {
        emit(.paused(reason), by: actor, reason: explanation)
    }
}
