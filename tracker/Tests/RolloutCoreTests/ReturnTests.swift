// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

/// Rolling back, and what must not get in its way.
@Suite struct ReturnTests {
    /// A rollout whose canary failed to go back.
    private func failedReturn(_ code: FailureCode) throws -> (RolloutScript, HostName) {
        var script = try RolloutScript()
        try script.stageAll()
        let canary = script.names(.activating)[0]
        try script.report(canary, .failed(.cloneFailed, log: nil))
        #expect(script.step(canary) == .rollBack)
        try script.report(canary, .failed(code, log: nil))
        return (script, canary)
    }

    @Test func `a rollback that failed is tried again by a new order`() throws {
        var (script, canary) = try failedReturn(.rollbackFailed)
        guard case .failed(let failure) = script.rollout.host(canary)?.state, let retryAt = failure.retryAt else {
            Issue.record("\(String(describing: script.rollout.host(canary)?.state))")
            return
        }
        let before = script.stamp(canary)
        try script.wait(retryAt.since(script.now))
        #expect(script.rollout.host(canary)?.state == .rollingBack && script.step(canary) == .rollBack)
        #expect(script.stamp(canary).order > before.order)
    }

    @Test func `skipping a host or trying it again does not take its rollback back`() throws {
        var (script, canary) = try failedReturn(.nothingToReturnTo)
        #expect(throws: Refusal.hostCannot(canary, .failed, command: "be taken out")) {
            try script.command(.skipHost(canary))
        }
        let before = script.stamp(canary)
        try script.command(.retryHost(canary))
        #expect(script.rollout.host(canary)?.state == .rollingBack && script.stamp(canary).order > before.order)
        #expect(throws: Refusal.hostCannot(canary, .rollingBack, command: "be taken out")) {
            try script.command(.excludeHost(canary))
        }
        try script.wait(.minutes(7))
        #expect(script.rollout.host(canary)?.state == .timedOut(step: .rollingBack))
        #expect(throws: Refusal.hostCannot(canary, .timedOut, command: "be taken out")) {
            try script.command(.skipHost(canary))
        }
        try script.command(.retryFailed)
        #expect(script.rollout.host(canary)?.state == .rollingBack)
    }

    @Test func `one host's rollback can be tried again after the end`() throws {
        var script = try RolloutScript()
        try script.passCanaries()
        try script.command(.rollBack)
        let hosts = script.names(.rollingBack)
        try script.report(hosts[0], .failed(.nothingToReturnTo, log: nil))
        try script.report(Array(hosts.dropFirst()), .rolledBack)
        #expect(script.rollout.phase == .rolledBack)
        #expect(script.step(hosts[0]) == .nothing)
        try script.command(.retryHost(hosts[0]))
        #expect(script.step(hosts[0]) == .rollBack)
        #expect(throws: Refusal.ended(.rolledBack)) { try script.command(.retryHost(hosts[1])) }
        try script.report(hosts[0], .rolledBack)
        #expect(script.rollout.host(hosts[0])?.state == .rolledBack(isAsked: true))
        try script.checkFold()
    }

    @Test func `hosts that are no longer meant go back too`() throws {
        var script = try RolloutScript()
        try script.passCanaries()
        let (gone, other) = (script.names(.activating)[0], script.names(.healthy)[0])
        try script.take(.left(gone))
        try script.command(.rollBack)
        #expect(script.step(gone) == .rollBack)
        // Leaving in the middle of it ends it no more.
        try script.take(.left(other))
        #expect(script.step(other) == .rollBack)
    }

    @Test func `a late failure of a canary stops the rollout and reverts nobody`() throws {
        for onError in [RolloutSettings.OnError.pause, .rollback, .rollbackAll] {
            var settings = RolloutSettings()
            settings.onError = onError
            var script = try RolloutScript(hosts: 40, settings: settings)
            try script.passCanaries()
            let canary = script.names(.healthy)[0]
            try script.report(canary, .failed(.masterDamaged, log: nil))
            #expect(script.rollout.pause?.reason == .errorThreshold)
            #expect(script.rollout.waves[0].state == .failed && script.rollout.phase == .rolling)
            #expect(script.names(.rollingBack).isEmpty)
            try script.command(.resume)
            try script.finish()
            #expect(script.rollout.phase == .succeededWithExceptions)
        }
    }

    @Test func `the deny list can be cleared by a plan`() throws {
        var settings = RolloutSettings()
        var facts = RolloutScript.host(0)
        facts.denied = [7]
        let target = try RolloutScript.target()
        #expect(
            RolloutPlanner(target: target, settings: settings).plan([facts]).aside.first?.standing
                == .blocked(reason: .denied))
        settings.clearsDenials = true
        var script = try RolloutScript(plan: RolloutPlanner(target: target, settings: settings).plan([facts]))
        try script.stageAll()
        let order = try #require(script.rollout.order(for: facts.name))
        #expect(order.step == .activate && order.clearsDenial)
        // What goes back once more is denied again.
        try script.command(.rollBack)
        #expect(script.rollout.order(for: facts.name)?.clearsDenial == false)
    }

    @Test func `what a host goes back to follows what it has, until it is told to activate`() throws {
        var script = try RolloutScript()
        try script.command(.start)
        let host = script.names[0]
        var facts = RolloutScript.host(0)
        facts.name = host
        facts.active = 5
        try script.take(.host(facts))
        #expect(script.rollout.order(for: host)?.previous == 5)
        try script.report(script.names, .staged)
        #expect(script.names(.activating) == [host])
        facts.active = 7
        try script.take(.host(facts))
        facts.active = 4
        try script.take(.host(facts))
        #expect(script.rollout.order(for: host)?.previous == 5)
        try script.checkFold()
    }
}
