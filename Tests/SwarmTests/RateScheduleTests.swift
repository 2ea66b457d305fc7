// SPDX-License-Identifier: Apache-2.0

import Swarm
import Testing

/// A cap on a rate under virtual time.
@Suite struct RateScheduleTests {
    /// Connections that always have something to send, with timers that are late by chance.
    /// - Returns: the time at which each block went, in order.
    private func run(
        _ schedule: inout RateSchedule, connections: Int, block: Int, from start: Duration, seconds: Int, seed: UInt64
    ) -> [Duration] {
        var random = TestRandom(state: seed)
        var wakes = (0..<connections).map { _ in start }
        var paid = (0..<connections).map { _ in false }
        var sent: [Duration] = []
        while let (index, now) = wakes.enumerated().min(by: { $0.element < $1.element }).map({ ($0.offset, $0.element) }
        ),
            now < start + .seconds(seconds)
        {
            if paid[index] { sent.append(now) }
            let wait = schedule.reserve(block, at: now).start
            paid[index] = true
            let late = wait > .zero ? Duration.microseconds(Int.random(in: 0..<2000, using: &random)) : .zero
            wakes[index] = now + wait + late + .microseconds(1)
        }
        return sent
    }

    @Test(arguments: [1, 3, 40], [1_000_000.0, 25_000_000, 125_000_000])
    func `any ten seconds carry what the cap says, within two percent`(_ connections: Int, _ rate: Double) {
        var schedule = RateSchedule(bytesPerSecond: rate)
        let block = 16384
        let sent = run(
            &schedule, connections: connections, block: block, from: .seconds(7), seconds: 31, seed: UInt64(connections)
        )
        for first in stride(from: 8, to: 28, by: 3) {
            let window = Duration.seconds(first)..<Duration.seconds(first + 10)
            let bytes = Double(sent.count { window.contains($0) } * block)
            #expect(abs(bytes - rate * 10) <= rate * 10 * 0.02, "\(bytes) in ten seconds at \(rate)")
        }
        // Nor is the beginning a burst.
        let begin = Double(sent.count { $0 < .seconds(17) } * block)
        #expect(begin <= rate * 10 * 1.02 + Double(connections * block))
    }

    @Test func `time that nobody used is not saved up`() {
        var schedule = RateSchedule(bytesPerSecond: 1000)
        _ = schedule.reserve(1000, at: .zero)
        #expect(schedule.reserve(1000, at: .seconds(100)).start == .zero)
        #expect(schedule.reserve(1000, at: .seconds(100)).start >= .milliseconds(900))
    }

    @Test func `a new cap counts at once, and none is none`() {
        var schedule = RateSchedule(bytesPerSecond: 1000)
        _ = schedule.reserve(1_000_000, at: .zero)
        schedule.bytesPerSecond = 2000
        #expect(schedule.reserve(2000, at: .seconds(1)).start == .zero)
        #expect(schedule.reserve(2000, at: .seconds(1)).end >= .milliseconds(1900))
        schedule.bytesPerSecond = nil
        let (start, end) = schedule.reserve(1 << 40, at: .seconds(1))
        #expect(start == .zero && end == .zero)
    }
}
