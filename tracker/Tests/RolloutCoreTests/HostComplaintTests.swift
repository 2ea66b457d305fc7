// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

/// Complaints about what becomes of single hosts, see `ComplaintTests`.
@Suite struct HostComplaintTests {
    /// One dead host blocks the fleet.
    @Test func offline_does_not_block() throws {
        var script = try RolloutScript { if $0.name == RolloutScript.name(9) { $0.isOnline = false } }
        #expect(script[9] == .deferredOffline)
        try script.stageAll()
        try script.makeHealthy()
        try script.command(.promote)
        let gone = try #require(script.names(.staged).last)
        try script.take(.silent(gone))
        try script.finish()
        #expect(script.rollout.phase == .succeededWithExceptions)
        #expect(script.names(.deferredOffline) == [gone, RolloutScript.name(9)].sorted())
        #expect(script.names(.healthy).count == 8)
        // They follow when they come back.
        #expect(script.step(gone) == .activate)
    }

    @Test func `a dead canary does not block`() throws {
        var script = try RolloutScript()
        try script.command(.start)
        let canary = try #require(script.rollout.hosts.first { $0.wave == 0 }?.name)
        try script.take(.silent(canary))
        let standIn = try #require(script.rollout.hosts.first { $0.wave == 0 && $0.name != canary }?.name)
        try script.report(script.names(.staging), .staged)
        #expect(script.names(.activating) == [standIn])
        try script.makeHealthy()
        try script.command(.promote)
        try script.take(.heard(canary))
        #expect(script.rollout.host(canary)?.wave == script.rollout.waves.count - 1)
    }

    @Test func `named canaries are not replaced`() throws {
        var settings = RolloutSettings()
        settings.canaries = .named([RolloutScript.name(4)])
        var script = try RolloutScript(settings: settings)
        try script.command(.start)
        try script.take(.silent(RolloutScript.name(4)))
        #expect(script.rollout.pause?.reason == .stalled)
    }

    /// Skipping hosts that are not ready would hide an update that kills them.
    @Test func went_dark_after_activation_trips() throws {
        var settings = RolloutSettings()
        settings.waves = try WaveSpec("20,40x")
        var script = try RolloutScript(hosts: 100, settings: settings)
        try script.passCanaries()
        let wave = script.names(.activating)
        #expect(wave.count == 20)
        try script.report(wave, .activated)
        try script.take(.silent(wave[0]))
        #expect(script.rollout.pause == nil)
        try script.take(.silent(wave[1]))
        #expect(script.rollout.pause?.reason == .errorThreshold)
        #expect(script.rollout.waves[1].state == .failed)
        #expect(script.names(.activating).isEmpty)
        // Nobody of later waves was touched.
        #expect(script.rollout.hosts.allSatisfy { $0.wave < 2 || !$0.isExposed })
    }

    @Test func `one early failure does not stop a wave, three dead hosts of four do at its end`() throws {
        var settings = RolloutSettings()
        settings.waves = try WaveSpec("4,20x")
        var script = try RolloutScript(hosts: 45, settings: settings)
        try script.passCanaries()
        let wave = script.names(.activating)
        try script.report(wave[0], .failed(.cloneFailed, log: nil))
        try script.report(wave[1], .failed(.cloneFailed, log: nil))
        #expect(script.rollout.pause == nil)
        try script.report(wave[2], .failed(.cloneFailed, log: nil))
        try script.report(wave[3], .activated)
        #expect(script.rollout.pause == nil)
        try script.confirmSoaking()
        #expect(script.rollout.pause?.reason == .errorThreshold)
    }

    /// Unhealthy hosts are updated at once, and the throttle is of no use.
    @Test func unhealthy_not_out_of_turn() throws {
        var script = try RolloutScript(hosts: 40) { if $0.name < RolloutScript.name(5) { $0.isHealthy = false } }
        let last = script.rollout.waves.count - 1
        #expect((0..<5).allSatisfy { script.rollout.host(RolloutScript.name($0))?.wave == last })
        try script.stageAll()
        try script.take(.heard(RolloutScript.name(0)))
        try script.take(.silent(RolloutScript.name(1)))
        try script.take(.heard(RolloutScript.name(1)))
        try script.makeHealthy()
        try script.command(.promote)
        #expect((0..<5).allSatisfy { script.step(RolloutScript.name($0)) == .stage })
    }

    /// A host keeps to a faulty target for ever.
    @Test func target_can_change_midway() throws {
        var old = try RolloutScript()
        try old.command(.start)
        let host = old.names[5]
        let before = try #require(old.rollout.order(for: host))
        #expect(before.step == .stage)
        var new = try RolloutScript(version: 8, number: 2, order: old.order)
        try new.command(.start)
        old.order = new.order
        try old.take(.superseded(by: 2))
        #expect(old.step(host) == .nothing)
        let orders = [old, new].compactMap { $0.rollout.order(for: host) }
        let after = try #require(HostOrder.standing(among: orders))
        #expect(after.step == .stage && after.master.version == 8)
        #expect(after.stamp.order > before.stamp.order)
    }

    /// A full disk leads to a loop.
    @Test func no_space_never_loops() throws {
        var script = try RolloutScript()
        try script.command(.start)
        let host = script.names[5]
        var beginnings = 0
        for _ in 0..<100 where script.rollout.host(host)?.state == .staging {
            beginnings += 1
            try script.report(host, .failed(.noSpace, log: nil))
            #expect(script.rollout.host(host)?.state == .blocked(reason: .noSpace))
            try script.wait(.minutes(1))
            #expect(script.rollout.host(host)?.state == .blocked(reason: .noSpace))
            // The tracker thinks there is room.
            var facts = RolloutScript.host(0)
            facts.name = host
            try script.take(.host(facts))
        }
        #expect(beginnings == 4)
        #expect(script.rollout.why(host) == .blocked(.noSpace))
    }

    @Test func `a host goes on when there is room again`() throws {
        let host = RolloutScript.name(9)
        var script = try RolloutScript { if $0.name == host { $0.freeBytes = 1 << 30 } }
        #expect(script.rollout.host(host)?.state == .blocked(reason: .noSpace))
        try script.command(.start)
        try script.take(.host(RolloutScript.host(9)))
        #expect(script.rollout.host(host)?.state == .staging)
        #expect(script.rollout.host(host)?.wave == script.rollout.waves.count - 1)
    }

    /// A rollback is undone by whoever updates.
    @Test func denylist_survives_reboot() throws {
        var script = try RolloutScript()
        try script.stageAll()
        let canary = script.names(.activating)[0]
        try script.report(canary, .failed(.cloneFailed, log: nil))
        try script.report(canary, .rolledBack)
        #expect(script.rollout.host(canary)?.state == .rolledBack(isAsked: true))
        // The tracker restarts, the host reboots and is heard of again.
        script.rollout = try #require(try Rollout.fold(script.log))
        try script.take(.silent(canary))
        try script.take(.heard(canary))
        try script.command(.resume)
        try script.wait(.hours(1))
        #expect(script.step(canary) == .nothing)
        // A later rollout of the same version leaves it alone while its deny list names the version.
        var facts = RolloutScript.host(0)
        facts.denied = [7]
        let plan = RolloutPlanner(target: try RolloutScript.target(), settings: RolloutSettings()).plan([facts])
        #expect(plan.aside.first?.standing == .blocked(reason: .denied))
        // Only an operator has it tried again.
        try script.command(.retryHost(canary))
        #expect(script.rollout.order(for: canary)?.clearsDenial == true)
        // What was allowed is allowed once.
        try script.command(.resume)
        try script.report(canary, .failed(.cloneFailed, log: nil))
        #expect(script.rollout.order(for: canary)?.clearsDenial == false)
        try script.report(canary, .rolledBack)
        #expect(script.rollout.order(for: canary)?.clearsDenial == false)
    }

    @Test func `hosts of a failed wave are tried again together, whatever their deny lists say`() throws {
        var script = try RolloutScript()
        try script.stageAll()
        let canary = script.names(.activating)[0]
        try script.report(canary, .failed(.cloneFailed, log: nil))
        try script.report(canary, .rolledBack)
        try script.command(.retryFailed)
        #expect(script.rollout.host(canary)?.state == .staged)
        var facts = RolloutScript.host(try #require(script.names.firstIndex(of: canary)))
        #expect(facts.name == canary)
        facts.denied = [7]
        try script.take(.host(facts))
        #expect(script.rollout.host(canary)?.state == .staged)
        try script.command(.resume)
        #expect(script.step(canary) == .activate && script.rollout.order(for: canary)?.clearsDenial == true)
        try script.checkFold()
    }

    @Test func `no host fills the log by what it says of itself`() throws {
        var script = try RolloutScript()
        let name = RolloutScript.name(3)
        func alternate(_ change: (inout FleetHost, Bool) -> Void) throws {
            for number in 0..<200 {
                var facts = RolloutScript.host(3)
                change(&facts, number.isMultiple(of: 2))
                try script.take(.host(facts))
            }
        }
        let length = script.log.count
        try alternate { host, isOdd in host.freeBytes = isOdd ? 0 : host.freeBytes }
        // It is kept out all the same, and let in.
        for isDrained in [true, false, true] {
            try script.drain(3, isDrained)
            #expect((script[3] == .blocked(reason: .drained)) == isDrained)
        }
        try script.drain(3, false)
        try script.command(.start)
        try alternate { host, isOdd in host.active = isOdd ? 5 : 6 }
        try alternate { host, isOdd in host.freeBytes = isOdd ? 0 : host.freeBytes }
        try alternate { host, isOdd in host.labels = isOdd ? [:] : host.labels }
        #expect(script.log.count - length < 60, "\(script.log.count - length)")
        // The others are taken at their word.
        var other = RolloutScript.host(4)
        other.active = 5
        try script.take(.host(other))
        #expect(script.rollout.host(other.name)?.previous == 5)
        #expect(script.rollout.host(name) != nil)
        try script.checkFold()
    }

    /// Who holds the lock?
    @Test func explain_names_holder() throws {
        var settings = RolloutSettings()
        settings.slots = 1
        var script = try RolloutScript(settings: settings)
        try script.passCanaries()
        let holder = try #require(script.names(.activating).first)
        try script.makeHealthy()
        let next = try #require(script.names(.activating).first)
        let waiting = try #require(
            script.rollout.hosts.first { $0.wave == script.rollout.currentWave && $0.state == .staged })
        #expect(holder != next)
        #expect(script.rollout.why(waiting.name) == .waitingForSlot(holders: [next], slots: 1))
        #expect("\(try #require(script.rollout.why(waiting.name)))".contains("\(next)"))
        let later = try #require(script.rollout.hosts.first { $0.wave > script.rollout.currentWave })
        guard case .waitingForWave(let wave, let present, let holders) = script.rollout.why(later.name) else {
            Issue.record("\(String(describing: script.rollout.why(later.name)))")
            return
        }
        #expect(wave == later.wave && present == script.rollout.currentWave && holders.contains(next))
    }
}
