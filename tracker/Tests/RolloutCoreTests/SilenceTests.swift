// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

/// Silence, and time in general.
@Suite struct SilenceTests {
    @Test func `silence of a healthy canary counts while others wait for it`() throws {
        var script = try RolloutScript()
        try script.stageAll()
        try script.makeHealthy()
        #expect(script.rollout.pause?.reason == .canaryGate)
        try script.take(.silent(script.names(.healthy)[0]))
        #expect(script.rollout.pause?.reason == .errorThreshold)
    }

    @Test func `silence of healthy hosts counts until their wave is over`() throws {
        var settings = RolloutSettings()
        settings.waves = try WaveSpec("20,40x")
        var script = try RolloutScript(hosts: 100, settings: settings)
        try script.passCanaries()
        let wave = script.names(.activating)
        try script.report(wave, .activated)
        script.now = script.now + settings.waveSoak
        try script.report(Array(wave.prefix(10)), .healthy)
        try script.take(.silent(wave[0]))
        #expect(script.rollout.pause == nil)
        try script.take(.silent(wave[1]))
        #expect(script.rollout.pause?.reason == .errorThreshold)
        try script.command(.resume)
        try script.report(Array(wave.suffix(10)), .healthy)
        #expect(script.rollout.currentWave == 2)
        for host in wave.suffix(10) { try script.take(.silent(host)) }
        #expect(script.rollout.pause == nil)
    }

    @Test func `who did not activate in time does so no more while nobody may`() throws {
        var script = try RolloutScript(hosts: 40)
        try script.passCanaries()
        let late = script.names(.activating)[0]
        let told = script.stamp(late)
        try script.take(.silent(late))
        #expect(script.rollout.host(late)?.state == .timedOut(step: .activating))
        #expect(script.step(late) == .activate && script.stamp(late) == told)
        try script.command(.pause)
        #expect(script.step(late) == HostOrder.Step.nothing && script.stamp(late).order > told.order)
        let paused = script.stamp(late)
        try script.command(.resume)
        #expect(script.step(late) == .activate && script.stamp(late).order > paused.order)
        try script.take(.hold(.windowClosed))
        #expect(script.step(late) == HostOrder.Step.nothing)
        // It may have done so without having said it, and is taken back with the others.
        try script.command(.rollBack)
        #expect(script.step(late) == .rollBack)
        try script.checkFold()
    }

    @Test func `who times out during a pause has a new order`() throws {
        var script = try RolloutScript(hosts: 40)
        try script.passCanaries()
        let late = script.names(.activating)[0]
        let told = script.stamp(late)
        try script.command(.pause)
        #expect(script.step(late) == .activate && script.stamp(late) == told)
        try script.take(.silent(late))
        #expect(script.step(late) == HostOrder.Step.nothing && script.stamp(late).order > told.order)
        try script.command(.resume)
        try script.report(late, .activated)
        #expect(script.rollout.host(late)?.state.kind == .soaking)
        try script.checkFold()
    }

    @Test func `time in which the tracker was away counts for nobody`() throws {
        var script = try RolloutScript()
        try script.stageAll()
        let canary = script.names(.activating)[0]
        try script.report(canary, .activating)
        script.now = script.now + .seconds(100) + .hours(5)
        try script.take(.resumed(after: .hours(5)))
        #expect(script.rollout.host(canary)?.state == .activating(isTaken: true))
        try script.wait(.seconds(19))
        #expect(script.names(.activating) == [canary])
        try script.wait(.seconds(1))
        #expect(script.rollout.pause?.reason == .errorThreshold)
        try script.checkFold()
    }

    @Test func `more time is no later retry`() throws {
        var script = try RolloutScript()
        try script.command(.start)
        let host = script.names[3]
        try script.report(host, .failed(.networkFailed, log: nil))
        let deadline = script.rollout.host(host)?.deadline
        try script.command(.extendDeadline(host: nil, by: .hours(5)))
        try script.take(.resumed(after: .hours(5)))
        #expect(script.rollout.host(host)?.deadline == deadline)
    }

    @Test func `a storm of failures takes two events for each`() throws {
        var script = try RolloutScript(hosts: 200)
        try script.command(.start)
        for name in script.names { try script.report(name, .failed(.networkFailed, log: nil)) }
        let length = script.log.count
        try script.wait(.hours(1))
        #expect(script.log.count - length < 300)
        // A tenth of them each ten minutes.
        let retried = script.log.suffix(from: length).filter { event in
            if case .hosts(_, .staging, _) = event.transition { true } else { false }
        }
        for event in retried {
            let window = retried.filter { $0.at <= event.at && event.at.since($0.at) < .minutes(10) }
            #expect(window.count <= 20)
        }
        #expect(retried.count >= 100)
    }

    @Test func `a host that was moved away and back is activated once`() throws {
        var settings = RolloutSettings()
        settings.waves = try WaveSpec("100%")
        var script = try RolloutScript(hosts: 20, settings: settings)
        try script.stageAll()
        let host = script.names(.staged)[3]
        for _ in 0..<3 {
            try script.take(.silent(host))
            try script.take(.heard(host))
            try script.report(host, .staged)
        }
        let event = RolloutEvent(
            sequence: script.rollout.sequence + 1, order: script.order + 1, at: script.now, actor: .tracker,
            reason: nil,
            request: nil, transition: .moved([host], wave: 0))
        let back = RolloutEvent(
            sequence: script.rollout.sequence + 2, order: script.order + 1, at: script.now, actor: .tracker,
            reason: nil,
            request: nil, transition: .moved([host], wave: 1))
        for each in [event, back] { try script.rollout.apply(each) }
        script.log += [event, back]
        script.order += 1
        try script.makeHealthy()
        try script.command(.promote)
        for event in script.log {
            guard case .hosts(let names, .activating(isTaken: false), _) = event.transition else { continue }
            #expect(Set(names).count == names.count)
        }
        #expect(script.names(.activating).contains(host))
    }

    @Test func `after a restart a host that was put aside is taken in again when it is heard of`() {
        var presence = HostPresence(limit: .minutes(5))
        let (aside, present) = (RolloutScript.name(1), RolloutScript.name(2))
        let start = Instant(milliseconds: 0)
        presence.watch(aside, at: start, isSilent: true)
        presence.watch(present, at: start)
        #expect(presence.overdue(at: start + .minutes(4)).isEmpty)
        // As often as it is asked, until what follows is kept.
        for _ in 0..<2 { #expect(presence.overdue(at: start + .minutes(6)) == [present]) }
        presence.noteSilent(present)
        #expect(presence.overdue(at: start + .minutes(6)).isEmpty && !presence.isHeard(present))
        let returned = presence.heard(aside, at: start + .minutes(7))
        #expect(returned)
        let again = presence.heard(aside, at: start + .minutes(8))
        #expect(!again)
    }

    @Test func `each limit passes once, and only for those who were told of it`() {
        var presence = HostPresence(limit: .minutes(5))
        let host = RolloutScript.name(1)
        let start = Instant(milliseconds: 0)
        let limits: Set<Span> = [.minutes(1), .minutes(20)]
        func passed(_ minutes: Int64) -> [Span] {
            presence.overdue(at: start + .minutes(minutes), limits: limits).flatMap(\.limits)
        }
        presence.watch(host, at: start)
        #expect(passed(4).isEmpty)
        #expect(passed(5) == [.minutes(1), .minutes(5)])
        presence.tell(host, .minutes(1), at: start + .minutes(4))
        #expect(passed(4).isEmpty && passed(5) == [.minutes(1)])
        presence.noteSilent(host, for: .minutes(1))
        #expect(passed(8).isEmpty && passed(9) == [.minutes(5)])
        #expect(presence.isSilent(host) && presence.isHeard(host) && !presence.isHeard(host, within: .minutes(1)))
        presence.noteSilent(host)
        #expect(!presence.isHeard(host) && presence.isHeard(host, within: .minutes(20)))
        #expect(passed(24) == [.minutes(20)])
        let returned = presence.heard(host, at: start + .minutes(24))
        #expect(returned && presence.isHeard(host, within: .minutes(1)))
        // It is told again that there is time.
        presence.tell(host, .minutes(5), at: start + .minutes(24))
        #expect(passed(28).isEmpty && passed(29) == [.minutes(1), .minutes(5)])
    }

    @Test func `those who are late at once make one entry of the log`() throws {
        var script = try RolloutScript(hosts: 200)
        try script.command(.start)
        let length = script.log.count
        try script.wait(.minutes(11))
        #expect(script.names(.timedOut).count == 200)
        #expect(script.log.count - length < 5)
        // Those who try again do so in one as well.
        try script.command(.retryFailed)
        for name in script.names(.staging) { try script.report(name, .failed(.networkFailed, log: nil)) }
        #expect(script.names(.failed).count == 200)
        try script.checkFold()
    }

    @Test func `names that are too long are refused`() throws {
        var script = try RolloutScript()
        let long = String(repeating: "a", count: RolloutLimits.nameLength + 1)
        #expect(throws: Refusal.textTooLong(limit: 128)) { try script.command(.start, by: long) }
        #expect(throws: Refusal.textTooLong(limit: 128)) { try script.command(.start, request: long) }
        #expect(script.rollout.phase == .planned)
        try script.command(.start, by: String(long.dropLast()), request: String(long.dropLast()))
        #expect(script.rollout.phase == .staging)
    }
}
