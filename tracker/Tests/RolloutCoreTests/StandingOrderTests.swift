// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

/// Which order stands: where there are several rollouts of a line, after a rollout's end, and when what is said outside
/// changes.
@Suite struct StandingOrderTests {
    private func order(
        _ step: HostOrder.Step, rollout: UInt64, order: UInt64, version: UInt64? = nil
    ) throws -> HostOrder {
        var script = try RolloutScript(hosts: 1, version: version ?? rollout + 6, number: rollout, order: order - 1)
        let host = script.names[0]
        func decided(_ body: (inout RolloutScript) throws -> Void) throws -> HostOrder {
            try body(&script)
            return try #require(script.rollout.order(for: host))
        }
        switch step {
        case .nothing:
            return try decided {
                try $0.command(.start)
                try $0.command(.abort)
            }
        case .stage: return try decided { try $0.command(.start) }
        case .activate, .probe: return try decided { try $0.stageAll() }
        case .rollBack:
            return try decided {
                try $0.stageAll()
                try $0.command(.rollBack)
            }
        }
    }

    @Test func `the newest rollout that wants anything has its way`() throws {
        let old = try order(.activate, rollout: 1, order: 10)
        let new = try order(.stage, rollout: 2, order: 20)
        #expect(HostOrder.standing(among: [old, new])?.master.version == 8)
        #expect(HostOrder.standing(among: [new, old])?.master.version == 8)
        let idle = try order(.nothing, rollout: 3, order: 30)
        #expect(HostOrder.standing(among: [old, new, idle])?.master.version == 8)
        #expect(HostOrder.standing(among: []) == nil)
    }

    @Test func `a version is left before a newer one is staged, and not before one is activated`() throws {
        let back = try order(.rollBack, rollout: 1, order: 10)
        let stage = try order(.stage, rollout: 2, order: 20)
        let activate = try order(.activate, rollout: 2, order: 20)
        #expect(HostOrder.standing(among: [back, stage])?.step == .rollBack)
        #expect(HostOrder.standing(among: [back, activate])?.step == .activate)
    }

    @Test func `what became of a newer rollout takes nobody back to the version before`() throws {
        let old = try order(.activate, rollout: 1, order: 10)
        var new = try RolloutScript(hosts: 1, version: 8, number: 2, order: 19)
        let host = new.names[0]
        try new.stageAll()
        // Aborted in the middle of the activation.
        var aborted = new
        try aborted.command(.abort)
        let nothing = try #require(aborted.rollout.order(for: host))
        #expect(nothing.step == .nothing && nothing.isExposed)
        #expect(HostOrder.standing(among: [old, nothing])?.step == HostOrder.Step.nothing)
        #expect(HostOrder.standing(among: [old, nothing])?.master.version == 8)
        // Taken out by an operator.
        try new.command(.skipHost(host))
        let skipped = try #require(new.rollout.order(for: host))
        #expect(HostOrder.standing(among: [old, skipped])?.step == HostOrder.Step.nothing)
        // Only a rollback does that, and then the older one counts again.
        let back = try order(.rollBack, rollout: 2, order: 20)
        #expect(HostOrder.standing(among: [old, back])?.step == .rollBack)
        try aborted.command(.rollBack)
        #expect(aborted.step(host) == .rollBack)
        try aborted.report(host, .rolledBack)
        let done = try #require(aborted.rollout.order(for: host))
        #expect(HostOrder.standing(among: [old, done])?.step == .activate)
        // One that was aborted before it reached the host leaves the older one its say.
        let early = try order(.nothing, rollout: 2, order: 20)
        #expect(HostOrder.standing(among: [old, early])?.step == .activate)
    }

    @Test func `what never began gives no orders`() throws {
        var script = try RolloutScript { $0.isDrained = $0.name == RolloutScript.name(3) }
        #expect(script.names.allSatisfy { script.rollout.order(for: $0) == nil })
        try script.command(.abort)
        #expect(!script.rollout.hasBegun && script.rollout.order(for: script.names[0]) == nil)
    }

    @Test func `nobody goes back to a version that it was to leave`() throws {
        let host = RolloutScript.name(4)
        func change(_ host: inout FleetHost) {
            (host.active, host.held, host.denied) = (7, [5, 6, 7], [6, 7])
        }
        var script = try RolloutScript(version: 8) { if $0.name == host { change(&$0) } }
        #expect(script.rollout.host(host)?.previous == 5)
        // It left the version by itself, and then was told to leave it.
        var facts = RolloutScript.host(4)
        try script.take(.host(facts))
        #expect(script.rollout.host(host)?.previous == 6)
        (facts.active, facts.held, facts.denied) = (7, [7], [7])
        try script.take(.host(facts))
        #expect(script.rollout.host(host)?.previous == 7, "there is nothing else")
        try script.checkFold()
    }

    @Test func `the order that stands is never older than one that stood before`() throws {
        // The older rollout is rolled back after the newer one has staged, and then wants nothing more.
        let stage = try order(.stage, rollout: 2, order: 20)
        let back = try order(.rollBack, rollout: 1, order: 50)
        let done = try order(.nothing, rollout: 1, order: 60)
        let stamps = [[stage], [stage, back], [stage, done]].compactMap(HostOrder.standing).map(\.stamp)
        #expect(stamps.map(\.rollout) == [2, 1, 2])
        #expect(stamps.map(\.order) == stamps.map(\.order).sorted())
        #expect(Set(stamps).count == 3)
    }

    @Test func `a report that answers the order that stands reaches its rollout, others do not`() throws {
        var script = try RolloutScript()
        try script.command(.start)
        let host = script.names[5]
        let present = script.stamp(host)
        func report(_ stamp: HostOrder.Stamp) throws {
            try script.take(.report(HostReport(host: host, version: 7, stamp: stamp, progress: .staged)))
        }
        try report(.init(epoch: "2-aa", rollout: present.rollout, order: present.order))
        try report(.init(epoch: present.epoch, rollout: 2, order: present.order))
        try report(.init(epoch: present.epoch, rollout: present.rollout, order: present.order - 1))
        #expect(script.rollout.host(host)?.state == .staging)
        // As new as a later decision about another rollout.
        try report(.init(epoch: present.epoch, rollout: present.rollout, order: present.order + 5))
        #expect(script.rollout.host(host)?.state == .staged)
    }

    @Test func `a rollout that has ended is superseded, and its standing orders end`() throws {
        let late = RolloutScript.name(9)
        var script = try RolloutScript { if $0.name == late { $0.isOnline = false } }
        try script.passCanaries()
        try script.finish()
        #expect(script.rollout.phase == .succeededWithExceptions && script.step(late) == .activate)
        let before = script.stamp(late)
        try script.take(.superseded(by: 2))
        #expect(script.rollout.phase == .superseded && script.step(late) == .nothing)
        #expect(script.stamp(late).order > before.order)
        // It may have followed before it heard of that.
        try script.command(.rollBack)
        #expect(script.step(late) == .rollBack)
    }

    @Test func `a rollout that was superseded can be rolled back`() throws {
        var script = try RolloutScript()
        try script.passCanaries()
        let exposed = script.rollout.hosts.filter(\.isExposed).map(\.name)
        try script.take(.superseded(by: 2))
        #expect(script.rollout.phase == .superseded)
        try script.command(.rollBack)
        #expect(script.rollout.phase == .rollingBack)
        #expect(script.names(.rollingBack).sorted() == exposed.sorted())
        // A newer one that begins does not end that.
        try script.take(.superseded(by: 3))
        try script.report(exposed, .rolledBack)
        #expect(script.rollout.phase == .rolledBack)
        try script.take(.superseded(by: 3))
        #expect(script.rollout.phase == .rolledBack)
    }

    @Test func `standing orders obey after the end too`() throws {
        let late = [8, 9].map(RolloutScript.name)
        var script = try RolloutScript { if late.contains($0.name) { $0.isOnline = false } }
        try script.passCanaries()
        try script.finish()
        try script.take(.hold(.trustExpired))
        #expect(late.allSatisfy { script.step($0) == .nothing })
        let held = script.stamp(late[0])
        try script.take(.lift(.trustExpired))
        #expect(late.allSatisfy { script.step($0) == .activate })
        #expect(script.stamp(late[0]).order > held.order)
        try script.command(.excludeHost(late[0]))
        #expect(script.step(late[0]) == .nothing && script.step(late[1]) == .activate)
        #expect(throws: Refusal.ended(.succeededWithExceptions)) { try script.command(.pause) }
        try script.take(.revoked)
        #expect(script.step(late[1]) == .nothing)
        try script.checkFold()
    }

    @Test func `a master that is withdrawn goes no further and is left`() throws {
        var planned = try RolloutScript()
        try planned.take(.revoked)
        #expect(planned.rollout.phase == .aborted)
        var staging = try RolloutScript()
        try staging.command(.start)
        try staging.take(.revoked)
        #expect(staging.names.allSatisfy { staging.step($0) == .nothing })
        #expect(staging.rollout.phase == .rolledBack)
        var rolling = try RolloutScript()
        try rolling.passCanaries()
        try rolling.command(.pause)
        let exposed = rolling.rollout.hosts.filter(\.isExposed).map(\.name)
        try rolling.take(.revoked)
        #expect(rolling.rollout.phase == .rollingBack && rolling.names(.rollingBack) == exposed)
        let length = rolling.log.count
        try rolling.take(.revoked)
        #expect(rolling.log.count == length)
    }

    @Test func `restored data are noticed, and nothing begins before somebody has looked`() throws {
        var script = try RolloutScript()
        try script.stageAll()
        let canary = script.names(.activating)[0]
        let before = script.stamp(canary)
        try script.take(.restored(epoch: "2-c0de"))
        #expect(script.rollout.pause?.reason == .restored)
        #expect(script.stamp(canary).epoch == "2-c0de")
        // What answers an order of the data that are gone says nothing about these.
        try script.take(.report(HostReport(host: canary, version: 7, stamp: before, progress: .activated)))
        #expect(script.rollout.host(canary)?.state == .activating(isTaken: false))
        let length = script.log.count
        try script.take(.restored(epoch: "2-c0de"))
        #expect(script.log.count == length)
        try script.command(.resume)
        try script.report(canary, .activated)
        #expect(script.rollout.host(canary)?.state == .probing)
        try script.checkFold()
    }
}
