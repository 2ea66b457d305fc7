// SPDX-License-Identifier: Apache-2.0

/// What operators ask for.
extension Deliberation {
    mutating func carryOut(_ command: RolloutCommand, reason: String?) throws(Refusal) {
        switch command {
        case .abort: return try abort(reason)
        case .rollBack: return try rollBack(reason)
        default: break
        }
        let phase = rollout.phase
        guard !phase.isTerminal || isDone(command) || isAboutStandingOrder(command) else { throw .ended(phase) }
        guard !rollout.isLogFull || command == .pause else { throw .logFull }
        switch command {
        case .start: try start(reason)
        case .approve: try approve(reason)
        case .reject: try reject(reason)
        case .pause: try pause(reason)
        case .resume: try resume(reason)
        case .promote: try promote(reason)
        case .retryFailed: retryFailed(reason)
        case .retryHost(let name): try retry(name, reason)
        case .skipHost(let name): try skip(name, isExcluded: false, command, reason)
        case .excludeHost(let name): try skip(name, isExcluded: true, command, reason)
        case .extendDeadline(let name, let span): try extend(name, by: span, reason)
        case .abort, .rollBack: break
        }
    }

    /// Whether the end that was asked for is the one that was reached.
    private func isDone(_ command: RolloutCommand) -> Bool { command == .reject && rollout.phase == .rejected }

    /// Texts that end up in the log have their bounds.
    func checkTexts(_ reason: String?) throws(Refusal) {
        if let reason, reason.utf8.count > RolloutLimits.reasonLength {
            throw .textTooLong(limit: RolloutLimits.reasonLength)
        }
        var names = [request].compactMap { $0 }
        if case .operator(let name) = actor { names.append(name) }
        guard names.allSatisfy({ $0.utf8.count <= RolloutLimits.nameLength }) else {
            throw .textTooLong(limit: RolloutLimits.nameLength)
        }
    }

    /// Whether it is about an order that holds beyond the end: hosts that follow can be taken out, and a rollback that a
    /// host failed can be tried again.
    private func isAboutStandingOrder(_ command: RolloutCommand) -> Bool {
        switch command {
        case .skipHost, .excludeHost: rollout.phase.isSuccess
        case .retryHost(let name): rollout.host(name)?.isReturning ?? false
        case .retryFailed: rollout.phase == .rolledBack
        default: false
        }
    }

    private mutating func start(_ reason: String?) throws(Refusal) {
        switch rollout.phase {
        case .planned:
            let next: RolloutPhase = rollout.settings.needsApproval ? .awaitingApproval : .scheduled
            emit(.phase(next, deadline: now + RolloutLimits.waitingForStart), reason: reason)
        case .draft, .rollingBack: throw .wrongPhase(rollout.phase, command: "start")
        default: break
        }
    }

    private mutating func approve(_ reason: String?) throws(Refusal) {
        switch rollout.phase {
        case .awaitingApproval:
            guard actor != rollout.startedBy else { throw .secondPersonNeeded }
            emit(.phase(.scheduled, deadline: now + RolloutLimits.waitingForStart), reason: reason)
        case .draft, .planned, .rollingBack: throw .wrongPhase(rollout.phase, command: "be approved")
        default: break
        }
    }

    private mutating func reject(_ reason: String?) throws(Refusal) {
        switch rollout.phase {
        case .rejected: break
        case .awaitingApproval: emit(.phase(.rejected, deadline: nil), reason: reason)
        default: throw .wrongPhase(rollout.phase, command: "be rejected")
        }
    }

    private mutating func pause(_ reason: String?) throws(Refusal) {
        guard rollout.phase.isForward || rollout.phase == .scheduled else {
            throw .wrongPhase(rollout.phase, command: "pause")
        }
        // An operator's pause outlasts one that would end by itself.
        guard rollout.pause.map({ $0.reason.isHold }) ?? true else { return }
        emit(.paused(.operator), reason: reason)
    }

    private mutating func resume(_ reason: String?) throws(Refusal) {
        guard let pause = rollout.pause else { return }
        if pause.reason == .canaryGate || pause.reason.isHold { throw .cannotResume(pause.reason) }
        if pause.reason == .errorThreshold || pause.reason == .capacity { tolerateFailures(reason) }
        emit(.resumed, reason: reason)
    }

    /// What failed so far no longer stops the rollout.
    private mutating func tolerateFailures(_ reason: String?) {
        if rollout.stageTally.failed > rollout.stageTally.tolerated {
            emit(.tolerated(wave: nil, failures: rollout.stageTally.failed), reason: reason)
        }
        for number in rollout.waves.indices where rollout.waves[number].state == .failed {
            emit(.tolerated(wave: number, failures: rollout.waves[number].tally.failed), reason: reason)
            emit(.wave(number: number, number == rollout.currentWave ? .activating : .passed), reason: reason)
        }
    }

    private mutating func promote(_ reason: String?) throws(Refusal) {
        switch rollout.phase {
        case .rolling: return
        case .staging, .canary: break
        default: throw .wrongPhase(rollout.phase, command: "be promoted")
        }
        let canaries = rollout.waves[0]
        guard canaries.tally.isSettled else {
            throw .canariesAreBusy(names { $0.wave == 0 && ($0.state.step != nil || $0.state == .staged) })
        }
        if canaries.tally.failed > 0 { emit(.tolerated(wave: 0, failures: canaries.tally.failed), reason: reason) }
        if !canaries.state.isOver {
            emit(.wave(number: 0, canaries.tally.healthy > 0 ? .passed : .skipped), reason: reason)
        }
        if rollout.pause.map({ !$0.reason.isHold && $0.reason != .operator }) ?? false {
            emit(.resumed, reason: reason)
        }
        beginNextWave(reason)
    }

    private mutating func retryFailed(_ reason: String?) {
        let returning = names { $0.isReturning && $0.state != .rollingBack }
        let hosts = names { host in
            switch host.state {
            case .failed, .timedOut: !host.isReturning
            case .blocked(.noSpace): true
            // It was taken back because its wave failed.
            case .rolledBack(isAsked: true): true
            default: false
            }
        }
        order(back: returning, by: nil, reason)
        beginAgain(hosts, reason)
    }

    private mutating func retry(_ name: HostName, _ reason: String?) throws(Refusal) {
        let host = rollout.hosts[try place(name)]
        switch host.state {
        case .rollingBack: break
        case .failed where host.isReturning, .timedOut where host.isReturning: order(back: [name], by: nil, reason)
        case .failed, .timedOut, .rolledBack, .skipped(_, false), .blocked(.noSpace), .blocked(.denied):
            beginAgain([name], reason)
        case .blocked, .skipped, .left: throw .hostCannot(name, host.state.kind, command: "be tried again")
        default: break
        }
    }

    private mutating func beginAgain(_ hosts: [HostName], _ reason: String?) {
        guard !hosts.isEmpty, rollout.phase != .rollingBack, !rollout.phase.isTerminal else { return }
        emit(.recounted(hosts), reason: reason)
        requeue(hosts)
        begin(hosts, reason: reason)
    }

    private mutating func skip(
        _ name: HostName, isExcluded: Bool, _ command: RolloutCommand, _ reason: String?
    ) throws(Refusal) {
        let host = rollout.hosts[try place(name)]
        switch host.state {
        case .skipped(_, let wasExcluded) where wasExcluded || !isExcluded: return
        case .already, .healthy, .left, .rolledBack:
            throw .hostCannot(name, host.state.kind, command: "be taken out")
        case _ where host.isReturning: throw .hostCannot(name, host.state.kind, command: "be taken out")
        default: emit(.hosts([name], .skipped(by: actor, isExcluded: isExcluded), deadline: nil), reason: reason)
        }
    }

    private mutating func extend(_ name: HostName?, by span: Span, _ reason: String?) throws(Refusal) {
        guard span > .zero, span <= RolloutLimits.longestSpan else { throw .badSpan }
        if let name { _ = try place(name) }
        // The deadline of a host that waits is its next attempt, which is no limit to extend.
        let hosts = names { $0.deadline != nil && $0.state.step != nil && (name == nil || $0.name == name) }
        if !hosts.isEmpty { emit(.extended(hosts, by: span), reason: reason) }
    }

    private mutating func abort(_ reason: String?) throws(Refusal) {
        guard rollout.phase != .aborted else { return }
        guard !rollout.phase.isTerminal else { throw .ended(rollout.phase) }
        emit(.phase(.aborted, deadline: nil), reason: reason)
    }

    /// A rollout that has ended can be rolled back too. Where a newer one has taken its place, that one's orders go first.
    private mutating func rollBack(_ reason: String?) throws(Refusal) {
        switch rollout.phase {
        case .rollingBack, .rolledBack: break
        case .rejected: throw .ended(rollout.phase)
        case .draft, .planned, .awaitingApproval: throw .wrongPhase(rollout.phase, command: "be rolled back")
        case .scheduled, .staging, .canary, .rolling, .succeeded, .succeededWithExceptions, .aborted, .superseded:
            returnAll(by: nil, reason)
        }
    }
}
