// SPDX-License-Identifier: Apache-2.0

import Swarm
import Testing
import TrackerProtocol

@Suite struct AnnounceScheduleTests {
    @Test func `the start is announced until it is answered, then the interval counts`() {
        var schedule = AnnounceSchedule(at: .zero)
        #expect(schedule.due(at: .zero) == .some(.started))
        #expect(schedule.due(at: .seconds(1)) == nil, "an answer is awaited")
        schedule.failed(at: .seconds(1), jitter: 0.5)
        #expect(schedule.due(at: .milliseconds(2900)) == nil)
        #expect(schedule.due(at: .seconds(3)) == .some(.started))
        schedule.answered(.started, interval: 20, at: .seconds(3))
        #expect(schedule.due(at: .seconds(22)) == nil)
        #expect(schedule.due(at: .seconds(23)) == .some(nil))
    }

    @Test func `the completion is announced at once and repeated until it is answered`() {
        var schedule = AnnounceSchedule(at: .zero)
        _ = schedule.due(at: .zero)
        schedule.completed(at: .seconds(1))
        schedule.answered(.started, interval: 20, at: .seconds(2))
        #expect(schedule.due(at: .seconds(2)) == .some(.completed))
        schedule.failed(at: .seconds(3), jitter: 0)
        #expect(schedule.due(at: .seconds(10)) == .some(.completed))
        schedule.answered(.completed, interval: 20, at: .seconds(10))
        #expect(schedule.due(at: .seconds(30)) == .some(nil))
    }

    @Test func `a tracker's wishes are kept within bounds, and its silence costs ever less`() {
        var schedule = AnnounceSchedule(at: .zero)
        _ = schedule.due(at: .zero)
        schedule.answered(.started, interval: 0, at: .zero)
        #expect(schedule.due(at: .seconds(4)) == nil)
        #expect(schedule.due(at: .seconds(5)) == .some(nil))
        for _ in 0..<100 { schedule.failed(at: .zero, jitter: 1) }
        #expect(schedule.failureCount == 100)
        #expect(schedule.due(at: .seconds(70)) == nil)
        #expect(schedule.due(at: .seconds(75)) == .some(nil))
    }

    @Test func `a tracker that asks for time is given it, within reason`() {
        var schedule = AnnounceSchedule(at: .zero)
        _ = schedule.due(at: .zero)
        schedule.failed(at: .zero, jitter: 0.5, wish: .seconds(20))
        #expect(schedule.due(at: .milliseconds(19_999)) == nil)
        #expect(schedule.due(at: .seconds(20)) == .some(.started))
        schedule.failed(at: .seconds(20), jitter: 0.5, wish: .seconds(1_000_000))
        #expect(schedule.due(at: .seconds(20 + 3600)) == .some(.started))
    }
}
