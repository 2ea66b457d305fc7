// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

/// What people complain about in other rollout systems, one test for each complaint. `FleetScenarioTests` has whole
/// fleets for the same names.
@Suite struct ComplaintTests {
    /// A device that is silent after a bad update stays “proceeding” for ever.
    @Test func silence_is_failure() throws {
        var script = try RolloutScript()
        try script.stageAll()
        let canary = try #require(script.names(.activating).first)
        try script.report(canary, .activated)
        try script.report(canary, .probePassed)
        // It soaks, and nothing is heard of it again.
        try script.wait(.minutes(25))
        #expect(script.rollout.pause?.reason == .errorThreshold)
        #expect(script.rollout.waves[0].state == .failed)
        #expect(script.rollout.host(canary)?.state == .timedOut(step: .rollingBack))
        #expect(script.step(canary) == .rollBack)
    }

    @Test func `silence while activating is a failure after the limit, and not before`() throws {
        var script = try RolloutScript()
        try script.stageAll()
        try script.wait(.seconds(299))
        #expect(script.names(.activating).count == 1)
        try script.wait(.seconds(1))
        #expect(script.rollout.pause?.reason == .errorThreshold)
    }

    /// A rollout hangs because its groups have no targets.
    @Test func empty_wave_is_visible_error() throws {
        var settings = RolloutSettings()
        settings.waves = try WaveSpec("1%,2%,100%")
        let planner = RolloutPlanner(target: try RolloutScript.target(), settings: settings)
        let plan = planner.plan((0..<10).map(RolloutScript.host))
        #expect(plan.problems == [.emptyWave(2, spec: try WaveSpec("1%,2%,100%"), hosts: 9)])
        #expect(throws: Refusal.planHasProblems(plan.problems)) { try RolloutScript(plan: plan) }
        #expect(planner.plan([]).problems == [.noHosts(.all)])
        #expect("\(planner.plan([]).problems[0])".contains("No host matches"))
    }

    /// The second error tries to pause a paused rollout, and everything is undone.
    @Test func pause_idempotent() throws {
        var settings = RolloutSettings()
        settings.canaries = .count(2)
        var script = try RolloutScript(settings: settings)
        try script.stageAll()
        let canaries = script.names(.activating)
        try script.report(canaries[0], .failed(.cloneFailed, log: nil))
        let pause = script.rollout.pause
        #expect(pause?.reason == .errorThreshold)
        try script.command(.pause)
        try script.command(.pause)
        try script.report(canaries[1], .failed(.cloneFailed, log: nil))
        #expect(script.rollout.pause == pause)
        #expect(script.rollout.host(canaries[1])?.state.kind == .failed)
        try script.checkFold()
    }

    /// There is no automatic retry for transient errors.
    @Test func retryable_codes() throws {
        for code in FailureCode.allCases {
            var script = try RolloutScript()
            try script.command(.start)
            let host = script.names[3]
            try script.report(host, .failed(code, log: "journal"))
            guard case .failed(let failure) = script.rollout.host(host)?.state else {
                #expect([.noSpace, .untrusted, .incompatible].contains(code))
                continue
            }
            #expect((failure.retryAt != nil) == code.isRetryable)
            try script.wait(.seconds(6))
            #expect(script.rollout.host(host)?.state.kind == (code.isRetryable ? .staging : .failed))
        }
    }

    @Test func `retries wait longer each time and end`() throws {
        var settings = RolloutSettings()
        settings.retryBudget.percent = 100
        var script = try RolloutScript(settings: settings)
        try script.command(.start)
        let host = script.names[3]
        var waits: [Int64] = []
        for _ in 0..<10 {
            try script.report(host, .failed(.noSources, log: nil))
            guard case .failed(let failure) = script.rollout.host(host)?.state, let retryAt = failure.retryAt else {
                break
            }
            waits.append(retryAt.since(script.now).milliseconds)
            try script.wait(retryAt.since(script.now))
        }
        #expect(waits.count == 3)
        for (number, wait) in waits.enumerated() { #expect(wait <= 5000 << number && wait >= 500 << number) }
        #expect(script.rollout.host(host)?.state.kind == .failed)
    }

    @Test func `the retry budget holds a storm back and lets everybody through in time`() throws {
        var script = try RolloutScript(hosts: 30)
        try script.command(.start)
        for name in script.names { try script.report(name, .failed(.networkFailed, log: nil)) }
        try script.wait(.minutes(1))
        // A tenth of thirty.
        #expect(script.names(.staging).count == 3)
        try script.wait(.minutes(10))
        #expect(script.names(.failed).count < 27)
        #expect(script.rollout.nextDeadline != nil)
    }

    /// A revert walks through the canaries again.
    @Test func rollback_is_immediate() throws {
        var script = try RolloutScript(hosts: 40)
        try script.passCanaries()
        try script.makeHealthy()
        let active = script.rollout.hosts.filter(\.isExposed).map(\.name)
        #expect(active.count > 2)
        try script.command(.rollBack)
        #expect(script.rollout.phase == .rollingBack)
        #expect(script.names.filter { script.step($0) == .rollBack } == active)
        try script.report(active, .rolledBack)
        #expect(script.rollout.phase == .rolledBack)
        #expect(script.names.allSatisfy { script.step($0) == .nothing })
    }

    /// A late single failure reverts a rollout that was promoted long ago.
    @Test func late_single_failure_no_revert() throws {
        var settings = RolloutSettings()
        settings.waves = try WaveSpec("100%")
        settings.slots = 200
        var script = try RolloutScript(hosts: 101, settings: settings)
        try script.passCanaries()
        let hosts = script.names(.activating)
        #expect(hosts.count == 100)
        try script.report(hosts, .activated)
        try script.report(hosts[77], .failed(.cloneFailed, log: "l"))
        try script.confirmSoaking()
        #expect(script.rollout.phase == .succeededWithExceptions)
        #expect(script.names(.healthy).count == 100)
    }

    /// A canary with an unrecoverable error stalls past every deadline.
    @Test func deadline_always_fires() throws {
        var script = try RolloutScript()
        try script.stageAll()
        let canary = script.names(.activating)[0]
        try script.report(canary, .activating)
        try script.wait(.minutes(2))
        #expect(script.rollout.pause?.reason == .errorThreshold)
        #expect(script.rollout.host(canary)?.state.kind == .rollingBack)
        try script.wait(.minutes(7))
        #expect(script.rollout.host(canary)?.state == .timedOut(step: .rollingBack))
    }

    /// A rolling update cannot be paused after the first instance.
    @Test func inplace_canary_pause() throws {
        var script = try RolloutScript()
        try script.stageAll()
        try script.command(.pause)
        try script.makeHealthy()
        // The canary finishes what it had begun, and nothing else begins.
        #expect(script.names(.healthy).count == 1)
        #expect(script.names(.staged).count == 9)
        #expect(script.rollout.phase == .canary)
        try script.command(.resume)
        #expect(script.rollout.pause?.reason == .canaryGate)
        try script.command(.promote)
        try script.finish()
        #expect(script.rollout.phase == .succeeded)
    }

    /// An update stalls because an older one failed.
    @Test func old_failed_rollout_does_not_block() throws {
        var old = try RolloutScript()
        try old.stageAll()
        try old.report(old.names(.activating), .failed(.cloneFailed, log: nil))
        #expect(old.rollout.pause?.reason == .errorThreshold)
        try old.take(.superseded(by: 2))
        #expect(old.rollout.phase == .superseded)
        #expect(old.rollout.nextDeadline == nil)
        var new = try RolloutScript(version: 8, number: 2)
        try new.passCanaries()
        try new.finish()
        #expect(new.rollout.phase == .succeeded)
        // An older number supersedes nothing.
        try new.take(.superseded(by: 1))
        #expect(new.rollout.phase == .succeeded)
    }

    /// Aborting a paused rollout is ignored, or goes round in circles.
    @Test func abort_from_every_state() throws {
        func planned() throws -> RolloutScript { try RolloutScript() }
        var scripts = [try planned()]
        var script = try planned()
        try script.command(.start)
        scripts.append(script)
        try script.report(script.names(.staging), .staged)
        scripts.append(script)
        try script.makeHealthy()
        scripts.append(script)
        try script.command(.promote)
        scripts.append(script)
        try script.command(.rollBack)
        scripts.append(script)
        var settings = RolloutSettings()
        settings.needsApproval = true
        script = try RolloutScript(settings: settings)
        try script.command(.start)
        scripts.append(script)
        script = try planned()
        try script.take(.hold(.trustExpired))
        try script.command(.start)
        scripts.append(script)
        let phases = Set(scripts.map(\.rollout.phase))
        #expect(phases == [.planned, .staging, .canary, .rolling, .rollingBack, .awaitingApproval, .scheduled])
        for script in scripts {
            for isPaused in [false, true] {
                var script = script
                if isPaused { try? script.command(.pause) }
                try script.command(.abort)
                #expect(script.rollout.phase == .aborted)
                #expect(script.rollout.pause == nil)
                #expect(script.rollout.nextDeadline == nil)
                #expect(script.names.allSatisfy { (script.step($0) ?? .nothing) == .nothing })
                try script.command(.abort)
                try script.wait(.hours(100))
                #expect(script.rollout.phase == .aborted)
                #expect(throws: Refusal.ended(.aborted)) { try script.command(.resume) }
            }
        }
    }

    /// Exceeding the deadline does nothing unless somebody has asked for it.
    @Test func deadline_default_on() throws {
        var script = try RolloutScript()
        try script.command(.start)
        try script.wait(.minutes(10))
        #expect(script.names(.timedOut).count == 10)
        #expect(script.rollout.pause != nil)
        var dawdling = try RolloutScript()
        try dawdling.command(.start)
        // Bytes that are no progress do not count; verified ones do.
        for minute in 1...30 {
            try dawdling.wait(.minutes(1))
            try dawdling.report(dawdling.names[1], .staging(bytes: UInt64(minute) << 28))
            try dawdling.report(dawdling.names[2], .staging(bytes: UInt64(minute)))
        }
        #expect(dawdling.rollout.host(dawdling.names[1])?.state == .staging)
        #expect(dawdling.rollout.host(dawdling.names[2])?.state == .timedOut(step: .staging))
    }

    /// The same version is offered over and over.
    @Test func already_is_terminal() throws {
        let host = RolloutScript.name(3)
        var script = try RolloutScript { if $0.name == host { ($0.active, $0.held) = (7, [7]) } }
        #expect(script[3] == .already)
        try script.passCanaries()
        try script.take(.heard(host))
        try script.report(host, .healthy)
        try script.command(.retryHost(host))
        try script.finish()
        #expect(script.rollout.phase == .succeeded)
        #expect(script[3] == .already)
        #expect(
            script.log.allSatisfy { event in
                if case .hosts(let names, _, _) = event.transition { !names.contains(host) } else { true }
            })
    }

    /// Instances wait without a reason after a pause over a weekend.
    @Test func resume_after_72h() throws {
        var script = try RolloutScript(hosts: 40)
        try script.passCanaries()
        try script.command(.pause)
        try script.report(script.names(.activating), .activated)
        try script.confirmSoaking()
        try script.wait(.hours(72))
        let waiting = script.names(.staged)
        #expect(!waiting.isEmpty)
        for name in waiting {
            guard case .paused(.operator, let actor, _, _) = script.rollout.why(name) else {
                Issue.record("no reason for \(name)")
                return
            }
            #expect(actor == .operator(name: "ada"))
        }
        try script.command(.resume)
        try script.finish()
        #expect(script.rollout.phase == .succeeded)
    }

    /// “0 updates per 0 minutes” is accepted.
    @Test func limits_validated() throws {
        var settings = RolloutSettings()
        #expect(settings.faults.isEmpty)
        settings.slots = 0
        settings.retryBudget = RolloutSettings.RateLimit(percent: 0, per: .zero)
        settings.canaries = .count(0)
        settings.silenceLimit = .zero
        settings.waveSoak = .days(400)
        settings.stageRatePercent = 0
        #expect(
            settings.faults.map(\.setting) == [
                "canaries", "slots", "stage-rate", "silence-limit", "wave-soak", "retry-budget", "retry-budget",
            ])
        let plan = RolloutPlanner(target: try RolloutScript.target(), settings: settings).plan([RolloutScript.host(0)])
        #expect(plan.problems.count == 7)
        #expect(throws: WaveSpecError.badNumber("0%".replacing("%", with: ""))) { try WaveSpec("0%,100%") }
        #expect(throws: WaveSpecError.badNumber("0")) { try WaveSpec("10,0x") }
    }
}
