// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

/// The machine's transitions, one after another.
@Suite struct TransitionTests {
    @Test func `a rollout that goes well passes all phases, waves and states`() throws {
        var script = try RolloutScript()
        #expect(script.rollout.phase == .planned)
        try script.command(.start)
        #expect(script.rollout.phase == .staging)
        #expect(script.names(.staging).count == 10)
        for name in script.names { try script.report(name, .staging(bytes: 5 << 30)) }
        #expect(script.rollout.hosts.allSatisfy { $0.bytes == 5 << 30 })
        for name in script.names { try script.report(name, .verifying) }
        #expect(script.names(.verifying).count == 10)
        try script.report(script.names, .staged)
        #expect(script.rollout.phase == .canary)
        let canary = try #require(script.names(.activating).first)
        #expect(script.rollout.order(for: canary)?.isProbed == true)
        try script.report(canary, .activating)
        try script.report(canary, .activated)
        #expect(script.rollout.host(canary)?.state == .probing)
        #expect(script.step(canary) == .probe)
        try script.report(canary, .probePassed)
        #expect(script.rollout.waves[0].state == .soaking)
        try script.report(canary, .healthy)
        #expect(script.rollout.host(canary)?.state.kind == .soaking, "it soaks for its time")
        try script.confirmSoaking()
        #expect(script.rollout.waves[0].state == .passed)
        #expect(script.rollout.pause?.reason == .canaryGate)
        #expect(throws: Refusal.cannotResume(.canaryGate)) { try script.command(.resume) }
        try script.command(.promote)
        for wave in 1...3 {
            #expect(script.rollout.phase == .rolling && script.rollout.currentWave == wave)
            #expect(script.rollout.waves[wave].state == .activating)
            #expect(script.names(.activating).allSatisfy { script.rollout.host($0)?.wave == wave })
            try script.makeHealthy()
            #expect(script.rollout.waves[wave].state == .passed)
        }
        #expect(script.rollout.phase == .succeeded)
        #expect(script.rollout.nextDeadline == nil)
        #expect(script.rollout.summary.counts == [.healthy: 10])
        #expect(script.names.allSatisfy { script.step($0) == .activate })
        try script.checkFold()
    }

    @Test func `approval is asked for, given and refused`() throws {
        var settings = RolloutSettings()
        settings.needsApproval = true
        var script = try RolloutScript(settings: settings)
        #expect(throws: Refusal.wrongPhase(.planned, command: "be approved")) { try script.command(.approve) }
        try script.command(.start)
        #expect(script.rollout.phase == .awaitingApproval)
        var refused = script
        try refused.command(.reject)
        #expect(refused.rollout.phase == .rejected)
        try refused.command(.reject)
        #expect(throws: Refusal.ended(.rejected)) { try refused.command(.approve) }
        #expect(throws: Refusal.secondPersonNeeded) { try script.command(.approve) }
        try script.command(.approve, by: "bob")
        #expect(script.rollout.phase == .staging)
        try script.command(.approve)
    }

    @Test(arguments: [false, true]) func `what nobody starts ends`(needsApproval: Bool) throws {
        var settings = RolloutSettings()
        settings.needsApproval = needsApproval
        var script = try RolloutScript(settings: settings)
        if needsApproval { try script.command(.start) }
        #expect(script.rollout.nextDeadline == script.now + .days(8))
        try script.wait(.days(8))
        #expect(script.rollout.phase == .aborted)
    }

    @Test func `a closed window holds activation and nothing else`() throws {
        var script = try RolloutScript()
        try script.take(.hold(.windowClosed))
        try script.command(.start)
        #expect(script.rollout.phase == .staging && script.rollout.pause == nil)
        #expect(script.names.allSatisfy { script.step($0) == .stage })
        try script.report(script.names(.staging), .staged)
        #expect(script.rollout.pause?.reason == .windowClosed)
        #expect(script.names(.activating).isEmpty)
        #expect(throws: Refusal.cannotResume(.windowClosed)) { try script.command(.resume) }
        try script.take(.lift(.windowClosed))
        #expect(script.names(.activating).count == 1)
        // An operator's pause outlasts the window's.
        try script.take(.hold(.windowClosed))
        try script.command(.pause)
        try script.take(.lift(.windowClosed))
        #expect(script.rollout.pause?.reason == .operator)
        // And ending it does not open the window.
        try script.take(.hold(.trustExpired))
        try script.command(.resume)
        #expect(script.rollout.pause?.reason == .trustExpired)
        try script.take(.lift(.trustExpired))
        #expect(script.rollout.pause == nil)
    }

    @Test func `what nobody vouches for is not even fetched`() throws {
        var script = try RolloutScript()
        try script.take(.hold(.windowClosed))
        try script.take(.hold(.trustExpired))
        try script.command(.start)
        #expect(script.rollout.phase == .scheduled && script.rollout.pause?.reason == .trustExpired)
        try script.take(.lift(.trustExpired))
        #expect(script.rollout.phase == .staging && script.rollout.pause == nil)
    }

    @Test func `a refusal changes nothing`() throws {
        var script = try RolloutScript()
        let (before, length) = (script.rollout, script.log.count)
        for command in [RolloutCommand.promote, .approve, .pause, .rollBack, .retryHost(try #require(HostName("who")))]
        {
            #expect(throws: Refusal.self) { try script.command(command) }
            #expect(throws: Refusal.self) { try script.rollout.take(.command(command), at: script.now, order: 99) }
        }
        #expect(script.rollout == before && script.log.count == length)
    }

    @Test func `reports that are lost, doubled or late mean what they say and no more`() throws {
        var script = try RolloutScript()
        try script.command(.start)
        let host = script.names[0]
        let stale = script.stamp(host)
        // `verifying` was lost.
        try script.report(host, .staged)
        try script.report(host, .staged)
        for name in script.names.dropFirst() { try script.report(name, .staged) }
        // `activating` and `activated` were lost.
        try script.report(host, .probePassed)
        #expect(script.rollout.host(host)?.state.kind == .soaking)
        let length = script.log.count
        for progress in [HostReport.Progress.failed(.noSources, log: nil), .staging(bytes: 1 << 30), .staged] {
            try script.take(.report(HostReport(host: host, version: 7, stamp: stale, progress: progress)))
        }
        try script.take(.report(HostReport(host: host, version: 6, stamp: stale, progress: .rolledBack)))
        #expect(script.log.count == length)
    }

    @Test func `retrying a failed host tries it again with all attempts`() throws {
        var script = try RolloutScript(hosts: 40)
        try script.passCanaries()
        let first = try #require(script.names(.activating).first)
        try script.report(first, .failed(.cloneFailed, log: "x"))
        try script.makeHealthy()
        #expect(script.rollout.currentWave == 2)
        try script.command(.retryFailed)
        #expect(script.rollout.host(first)?.wave == 3)
        try script.finish()
        #expect(script.rollout.phase == .succeeded)
    }

    @Test func `failures that an operator tolerates do not stop the rollout again, others do`() throws {
        var settings = RolloutSettings()
        settings.waves = try WaveSpec("20,40x")
        var script = try RolloutScript(hosts: 100, settings: settings)
        try script.passCanaries()
        let wave = script.names(.activating)
        for name in wave.prefix(2) { try script.report(name, .failed(.cloneFailed, log: nil)) }
        #expect(script.rollout.pause?.reason == .errorThreshold)
        try script.command(.resume)
        #expect(script.rollout.pause == nil && script.rollout.waves[1].state == .activating)
        try script.report(wave[2], .failed(.cloneFailed, log: nil))
        #expect(script.rollout.pause == nil)
        try script.report(wave[3], .failed(.cloneFailed, log: nil))
        #expect(script.rollout.pause?.reason == .errorThreshold)
        // Trying them again gives no allowance for more.
        try script.command(.resume)
        try script.command(.retryFailed)
        #expect(script.rollout.pause == nil)
        try script.report(script.names(.activating, wave: 1).prefix(2).map { $0 }, .failed(.cloneFailed, log: nil))
        #expect(script.rollout.pause?.reason == .errorThreshold)
    }

    @Test(arguments: [RolloutSettings.OnError.pause, .rollback, .rollbackAll])
    func `what happens on error is as asked`(onError: RolloutSettings.OnError) throws {
        var settings = RolloutSettings()
        settings.onError = onError
        settings.waves = try WaveSpec("20,40x")
        var script = try RolloutScript(hosts: 100, settings: settings)
        try script.passCanaries()
        let canary = try #require(script.names(.healthy).first)
        let wave = script.names(.activating)
        try script.report(wave[0], .failed(.cloneFailed, log: nil))
        try script.report(wave[1], .failed(.cloneFailed, log: nil))
        switch onError {
        case .pause: #expect(script.names(.rollingBack).isEmpty && script.rollout.pause?.reason == .errorThreshold)
        case .rollback:
            #expect(script.names(.rollingBack).sorted() == wave.sorted() && script.step(canary) == .activate)
        case .rollbackAll:
            #expect(script.rollout.phase == .rollingBack && script.names(.rollingBack).count == 21)
            #expect(script.step(canary) == .rollBack)
        }
    }

    @Test func `hosts without room pause the rollout for capacity`() throws {
        var script = try RolloutScript(hosts: 40)
        try script.command(.start)
        for name in script.names.suffix(5) { try script.report(name, .failed(.noSpace, log: nil)) }
        #expect(script.rollout.pause?.reason == .capacity)
        // Staging goes on.
        try script.report(script.names(.staging), .staged)
        #expect(script.names(.staged).count == 35)
        try script.command(.resume)
        #expect(script.names(.activating).count == 1)
    }

    @Test func `joiners come last and leavers do not count`() throws {
        var script = try RolloutScript(hosts: 10)
        try script.passCanaries()
        let joiner = RolloutScript.host(50)
        try script.take(.host(joiner))
        #expect(script.rollout.host(joiner.name)?.wave == 3)
        #expect(script.rollout.host(joiner.name)?.state == .staging)
        let leaver = try #require(script.names(.staged).last)
        try script.take(.left(leaver))
        #expect(script.rollout.host(leaver)?.state == .left)
        try script.report(joiner.name, .staged)
        try script.finish()
        #expect(script.rollout.phase == .succeeded)
        #expect(script.names(.healthy).count == 10)
    }

    @Test func `a joiner of a rollout of canaries only is no canary`() throws {
        var script = try RolloutScript(hosts: 1)
        try script.command(.start)
        try script.take(.host(RolloutScript.host(5)))
        #expect(script[5] == .staging)
        try script.report(script.names(.staging), .staged)
        #expect(script.names(.activating) == [RolloutScript.name(0)])
    }

    @Test func `skipped and excluded hosts are left alone`() throws {
        var script = try RolloutScript()
        try script.stageAll()
        let (skipped, excluded) = (script.names(.staged)[0], script.names(.staged)[1])
        try script.command(.skipHost(skipped))
        try script.command(.excludeHost(excluded))
        #expect(script.step(skipped) == .nothing)
        #expect(throws: Refusal.hostCannot(excluded, .skipped, command: "be tried again")) {
            try script.command(.retryHost(excluded))
        }
        try script.makeHealthy()
        try script.command(.promote)
        try script.command(.retryHost(skipped))
        try script.finish()
        #expect(script.rollout.phase == .succeededWithExceptions)
        #expect(script.names(.healthy).count == 9)
        #expect(script.rollout.why(excluded) == .skipped(by: .operator(name: "ada"), isExcluded: true))
    }

    @Test func `a wave does not wait for those that are still being staged`() throws {
        var script = try RolloutScript(hosts: 40)
        try script.command(.start)
        let late = try #require(script.rollout.hosts.first { $0.wave == 1 }?.name)
        try script.report(script.names(.staging).filter { $0 != late }, .staged)
        try script.makeHealthy()
        try script.command(.promote)
        try script.makeHealthy()
        #expect(script.rollout.currentWave == 2)
        #expect(script.rollout.host(late)?.wave == 3)
    }

    @Test func `a host that timed out and is there after all goes on, a limited number of times`() throws {
        var settings = RolloutSettings()
        settings.retries = 1
        settings.waves = try WaveSpec("100%")
        var script = try RolloutScript(hosts: 40, settings: settings)
        try script.passCanaries()
        let host = script.names(.activating)[0]
        try script.report(host, .activated)
        try script.take(.silent(host))
        #expect(script.rollout.host(host)?.state == .timedOut(step: .soaking))
        try script.report(host, .healthy)
        #expect(script.rollout.host(host)?.state.kind == .soaking)
        try script.take(.silent(host))
        try script.report(host, .healthy)
        #expect(script.rollout.host(host)?.state == .timedOut(step: .soaking))
    }

    @Test func `more time can be given`() throws {
        var script = try RolloutScript()
        try script.command(.start)
        let host = script.names[0]
        try script.command(.extendDeadline(host: host, by: .hours(1)))
        #expect(throws: Refusal.badSpan) { try script.command(.extendDeadline(host: nil, by: .days(8))) }
        try script.wait(.minutes(10))
        #expect(script.names(.staging) == [host])
        try script.wait(.hours(1))
        #expect(script.names(.staging).isEmpty)
    }

    @Test func `a rollout that ended can be rolled back, hosts that followed later too`() throws {
        var script = try RolloutScript { if $0.name >= RolloutScript.name(8) { $0.isOnline = false } }
        try script.passCanaries()
        try script.finish()
        #expect(script.rollout.phase == .succeededWithExceptions)
        // It follows and says so; another one that follows may not have said it.
        try script.report(RolloutScript.name(9), .healthy)
        #expect(script.step(RolloutScript.name(9)) == .activate)
        try script.command(.rollBack)
        #expect(script.names(.rollingBack).count == 10)
        try script.report(Array(script.names.dropLast()), .rolledBack)
        try script.wait(.minutes(7))
        #expect(script.rollout.phase == .rolledBack)
        let last = try #require(script.names.last)
        #expect(script.rollout.host(last)?.state == .timedOut(step: .rollingBack))
        #expect(script.step(last) == .rollBack, "the order stands")
        try script.report(last, .rolledBack)
        #expect(script.step(last) == .nothing)
        try script.checkFold()
    }

    @Test func `a host that goes back by itself counts as failed`() throws {
        var script = try RolloutScript()
        try script.passCanaries()
        let canary = try #require(script.names(.healthy).first)
        try script.report(canary, .rolledBack)
        #expect(script.rollout.host(canary)?.state == .rolledBack(isAsked: false))
        #expect(script.rollout.pause?.reason == .errorThreshold)
    }

    @Test func `a late failure of a canary at the gate does not open it`() throws {
        var script = try RolloutScript()
        try script.stageAll()
        try script.makeHealthy()
        #expect(script.rollout.pause?.reason == .canaryGate)
        try script.report(try #require(script.names(.healthy).first), .failed(.masterDamaged, log: nil))
        #expect(script.rollout.pause?.reason == .errorThreshold)
        try script.command(.resume)
        try script.wait(.hours(1))
        #expect(script.rollout.phase == .canary)
        #expect(script.rollout.pause?.reason == .stalled)
    }

    @Test func `a doubled report of an earlier return does not count against a new attempt`() throws {
        var script = try RolloutScript()
        try script.stageAll()
        let canary = try #require(script.names(.activating).first)
        try script.report(canary, .failed(.cloneFailed, log: nil))
        let report = RolloutInput.report(
            HostReport(host: canary, version: 7, stamp: script.stamp(canary), progress: .rolledBack))
        try script.take(report)
        try script.command(.retryHost(canary))
        try script.command(.resume)
        #expect(script.names(.activating) == [canary])
        try script.take(report)
        #expect(script.names(.activating) == [canary])
    }

    @Test func `a canary that is tried again at the gate follows in the last wave`() throws {
        var settings = RolloutSettings()
        settings.canaries = .count(2)
        var script = try RolloutScript(settings: settings)
        try script.stageAll()
        let canary = try #require(script.names(.activating).first)
        try script.command(.skipHost(canary))
        try script.makeHealthy()
        #expect(script.rollout.pause?.reason == .canaryGate)
        try script.command(.retryHost(canary))
        #expect(script.rollout.host(canary)?.wave == script.rollout.waves.count - 1)
        try script.command(.promote)
        try script.finish()
        #expect(script.rollout.phase == .succeeded)
    }

    @Test func `damaged logs are refused with their place`() throws {
        var script = try RolloutScript()
        try script.passCanaries()
        var gap = script.log
        gap.remove(at: 7)
        #expect(throws: RolloutLogError(sequence: 9, fault: "number 8 was expected")) { try Rollout.fold(gap) }
        #expect(throws: RolloutLogError.self) { try Rollout.fold(script.log.dropFirst()) }
        #expect(try Rollout.fold([]) == nil)
        let last = script.rollout.sequence + 1
        let (now, order) = (script.now, script.order + 1)
        func event(_ transition: Transition) -> RolloutEvent {
            RolloutEvent(
                sequence: last, order: order, at: now, actor: .tracker, reason: nil, request: nil,
                transition: transition)
        }
        let unplanned = Array(script.log.prefix(1))
        var draft = try #require(try Rollout.fold(unplanned))
        #expect(throws: Refusal.wrongPhase(.draft, command: "start")) {
            try draft.take(.command(.start), at: script.now, order: order)
        }
        #expect(try draft.take(.host(RolloutScript.host(1)), at: script.now, order: order).isEmpty)
        #expect(throws: RolloutLogError.self) { try Rollout.fold(unplanned + [script.log[2]]) }
        let stranger = try #require(HostName("stranger"))
        for transition in [
            Transition.wave(number: 99, .passed), .moved([], wave: -1), .tolerated(wave: 4, failures: 1),
            .hosts([stranger], .healthy, deadline: nil), .planned(waves: [], aside: []),
            .progressed(host: stranger, bytes: 1, deadline: now),
        ] {
            #expect(throws: RolloutLogError.self) { try script.rollout.apply(event(transition)) }
        }
    }

    @Test func `a log that is full takes only what ends the rollout`() throws {
        var script = try RolloutScript(hosts: 1)
        try script.command(.start)
        for _ in 0..<20_100 where !(script.log.count > 20_064) {
            try script.command(script.rollout.pause == nil ? .pause : .resume)
        }
        #expect(throws: Refusal.logFull) { try script.command(.resume) }
        try script.command(.abort)
        #expect(script.rollout.phase == .aborted)
    }
}
