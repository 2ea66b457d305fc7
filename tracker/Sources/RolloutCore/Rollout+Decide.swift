// SPDX-License-Identifier: Apache-2.0

extension Rollout {
    /// The first events of a new rollout: its creation and its plan.
    /// - Parameters:
    ///   - number: greater than that of any rollout before.
    ///   - epoch: names the tracker's data.
    ///   - order: the decision's tracker-wide number.
    ///   - seed: from which waits are drawn at random.
    package static func create(
        number: UInt64, epoch: String, plan: RolloutPlan, seed: UInt64, order: UInt64, at now: Instant, by actor: Actor,
        request: String? = nil
    ) throws(Refusal) -> [RolloutEvent] {
        guard plan.problems.isEmpty else { throw .planHasProblems(plan.problems) }
        let rollout = Rollout(
            number: number, epoch: epoch, target: plan.target, settings: plan.settings, seed: seed, at: now)
        var deliberation = Deliberation(rollout, at: now, order: order, by: actor, request: request)
        deliberation.emit(
            .created(number: number, epoch: epoch, target: plan.target, settings: plan.settings, seed: seed))
        deliberation.emit(.planned(waves: plan.waves, aside: plan.aside))
        deliberation.emit(.phase(.planned, deadline: now + RolloutLimits.waitingForStart))
        return deliberation.events
    }

    /// What an input leads to: events to be stored and then applied, none when it changes nothing.
    /// - Parameters:
    ///   - order: the decision's number: greater than that of any decision before that led to events, about this rollout or
    ///     another one of the tracker.
    ///   - actor: who an operator's command came from. Other inputs have their own actors.
    ///   - request: names an operator's request, so that the same one again changes nothing.
    ///   - reason: an operator's words for the log.
    ///   - keptOut: whom operators want kept out, now: such a host is not begun again.
    package func decide(
        _ input: RolloutInput, at now: Instant, order: UInt64, by actor: Actor = .tracker, request: String? = nil,
        reason: String? = nil, keptOut: @escaping (HostName) -> BlockReason? = { _ in nil }
    ) throws(Refusal) -> [RolloutEvent] {
        var deliberation = Deliberation(
            self, at: now, order: order, by: actor, request: request, keptOut: keptOut)
        try deliberation.take(input, reason: reason)
        return deliberation.events
    }

    /// Decides and applies at once, without copying the state: for whoever can fold the log again should storing the
    /// events fail. A refusal leaves everything as it was.
    package mutating func take(
        _ input: RolloutInput, at now: Instant, order: UInt64, by actor: Actor = .tracker, request: String? = nil,
        reason: String? = nil
    ) throws(Refusal) -> [RolloutEvent] {
        var deliberation = Deliberation(self, at: now, order: order, by: actor, request: request)
        // The deliberation must be the only one to hold the tables, or the first change would copy them.
        self = Rollout(number: number, epoch: epoch, target: target, settings: settings, seed: seed, at: latest)
        defer { self = deliberation.rollout }
        try deliberation.take(input, reason: reason)
        return deliberation.events
    }
}
