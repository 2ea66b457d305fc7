// SPDX-License-Identifier: Apache-2.0

import Foundation
import RolloutCore
import Testing

/// Anything at any time: random inputs that make no sense together, and what holds nevertheless. A failure names its
/// seed.
@Suite struct RandomInputTests {
    @Test func `no input leads to a state without a deadline, and time leads out of every state`() throws {
        let count = ProcessInfo.processInfo.environment["DROVER_SEEDS"].flatMap(UInt64.init) ?? 150
        for seed in 0..<count { try run(seed) }
    }

    private func run(_ seed: UInt64) throws {
        var random = SeededGenerator(seed)
        var script = try script(&random)
        for _ in 0..<300 {
            script.now = script.now + Span(milliseconds: Int64.random(in: 0...400_000, using: &random))
            let before = script.rollout
            do {
                let input = input(script, &random)
                let length = script.log.count
                try script.take(input, by: .operator(name: "ada"), request: request(&random))
                // The other way to decide comes to the same.
                var other = before
                _ = try? other.take(
                    input, at: script.now, order: script.order + 1, by: .operator(name: "ada"), request: nil)
                #expect(other.phase == script.rollout.phase || script.log.count == length, "seed \(seed)")
            } catch is Refusal {
                #expect(script.rollout == before, "seed \(seed)")
            }
            #expect(script.rollout.isAtRest || script.rollout.nextDeadline != nil, "seed \(seed)")
            if script.rollout.phase.isTerminal { break }
        }
        // Nobody says anything any more: time alone leads to rest.
        let start = script.now
        while !script.rollout.isAtRest, let deadline = script.rollout.nextDeadline {
            script.now = max(script.now, deadline)
            let sequence = script.rollout.sequence
            try script.take(.tick)
            #expect(script.rollout.sequence > sequence, "seed \(seed): nothing came of a deadline")
            guard script.rollout.sequence > sequence else { return }
        }
        #expect(script.rollout.isAtRest, "seed \(seed)")
        // The longest is a plan that nobody starts; an extension may come to a week.
        #expect(script.now.since(start) < .days(40), "seed \(seed): \(script.now.since(start))")
        try script.checkFold()
    }

    @Test func `a log is read as it was written`() throws {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededGenerator(seed)
            var script = try script(&random)
            for _ in 0..<200 {
                script.now = script.now + Span(milliseconds: Int64.random(in: 0...400_000, using: &random))
                try? script.take(input(script, &random), by: .operator(name: "ada"), request: request(&random))
            }
            let lines = try script.log.map { try JSONEncoder().encode($0) }
            let log = try lines.map { try JSONDecoder().decode(RolloutEvent.self, from: $0) }
            #expect(log == script.log, "seed \(seed)")
            #expect(try Rollout.fold(log) == script.rollout, "seed \(seed)")
        }
    }

    @Test func `events of a later format are refused`() throws {
        let script = try RolloutScript()
        let text = String(decoding: try JSONEncoder().encode(script.log[2]), as: UTF8.self)
        #expect(text.contains("\"format\":1"))
        let later = Data(text.replacing("\"format\":1", with: "\"format\":2").utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(RolloutEvent.self, from: later) }
    }

    @Test func `settings are read as they were written, and what is missing has its default`() throws {
        var settings = RolloutSettings()
        settings.canaries = .named([RolloutScript.name(3)])
        settings.isPromotedAutomatically = true
        settings.needsApproval = true
        settings.waves = try WaveSpec("1,2x")
        settings.clearsDenials = true
        (settings.slots, settings.probing, settings.onError) = (3, .nobody, .rollbackAll)
        (settings.stageRatePercent, settings.headroomBytes, settings.headroomPercent) = (4, 5, 6)
        (settings.toleratedFailures, settings.toleratedPercent, settings.minimumSample) = (7, 8, 9)
        (settings.stageProgressLimit, settings.silenceLimit) = (.seconds(10), .seconds(11))
        (settings.activateLimit, settings.probeLimit) = (.seconds(12), .seconds(13))
        (settings.canarySoak, settings.waveSoak) = (.seconds(14), .seconds(15))
        (settings.retries, settings.retryWait) = (16, .seconds(17))
        settings.retryBudget = RolloutSettings.RateLimit(percent: 18, per: .seconds(19))
        let text = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(RolloutSettings.self, from: text) == settings)
        #expect(try JSONDecoder().decode(RolloutSettings.self, from: Data("{}".utf8)) == RolloutSettings())
    }

    private func script(_ random: inout SeededGenerator) throws -> RolloutScript {
        var settings = RolloutSettings()
        settings.needsApproval = Bool.random(using: &random)
        settings.isPromotedAutomatically = Bool.random(using: &random)
        settings.slots = Int.random(in: 1...10, using: &random)
        settings.canaries = Bool.random(using: &random) ? .automatic : .count(3)
        settings.probing = Bool.random(using: &random) ? .canaries : .everyHost
        settings.onError = [.pause, .rollback, .rollbackAll].randomElement(using: &random) ?? .pause
        settings.toleratedFailures = Int.random(in: 0...20, using: &random)
        let seed = random.next()
        var script = try RolloutScript(hosts: Int.random(in: 1...25, using: &random), settings: settings) { host in
            var own = SeededGenerator(seed &+ UInt64(host.name.description.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) }))
            if host.name != RolloutScript.name(0), own.next() % 8 == 0 { host.isOnline = false }
            if host.name != RolloutScript.name(0), own.next() % 8 == 0 { host.isDrained = true }
        }
        if random.next() % 8 != 0 { try script.command(.start) }
        return script
    }

    private func request(_ random: inout SeededGenerator) -> String? {
        Bool.random(using: &random) ? nil : "r\(random.next() % 50)"
    }

    private func input(_ script: RolloutScript, _ random: inout SeededGenerator) -> RolloutInput {
        let number = Int.random(in: 0..<28, using: &random)
        let host = RolloutScript.name(number)
        switch random.next() % 40 {
        case 0: return .silent(host)
        case 1: return .heard(host)
        case 2: return .left(host)
        case 3, 4:
            var facts = RolloutScript.host(number)
            facts.isDrained = random.next() % 3 == 0
            facts.isOnline = random.next() % 3 != 0
            if random.next() % 8 == 0 { facts.active = 7 }
            return .host(facts)
        case 5: return .hold([.windowClosed, .trustExpired].randomElement(using: &random) ?? .windowClosed)
        case 6: return .lift([.windowClosed, .trustExpired].randomElement(using: &random) ?? .windowClosed)
        case 7: return random.next() % 40 == 0 ? .superseded(by: 2) : .tick
        case 8, 9, 10, 11: return .command(command(host, &random))
        case 12: return .tick
        case 13: return rareInput(&random)
        default: return report(script, &random)
        }
    }

    private func rareInput(_ random: inout SeededGenerator) -> RolloutInput {
        switch random.next() % 12 {
        case 0: .revoked
        case 1, 2: .restored(epoch: "2-\(random.next() % 3)")
        case 3, 4, 5: .resumed(after: .minutes(Int64(random.next() % 90)))
        default: .tick
        }
    }

    private func report(_ script: RolloutScript, _ random: inout SeededGenerator) -> RolloutInput {
        let host = script.names.randomElement(using: &random) ?? RolloutScript.name(0)
        let code = FailureCode.allCases.randomElement(using: &random) ?? .internal
        let all: [HostReport.Progress] = [
            .staging(bytes: random.next() % (11 << 30)), .verifying, .staged, .staged, .staged, .activating, .activated,
            .activated, .probePassed, .probePassed, .healthy, .healthy, .healthy, .healthy, .rolledBack, .rolledBack,
            .probeFailed(code, log: "log"), .failed(code, log: nil),
        ]
        let present = script.stamp(host)
        let stamp = HostOrder.Stamp(
            epoch: random.next() % 50 == 0 ? "2-77" : present.epoch,
            rollout: random.next() % 50 == 0 ? 9 : present.rollout,
            order: random.next() % 10 == 0 ? random.next() % 100 : present.order)
        return .report(
            HostReport(
                host: host, version: random.next() % 50 == 0 ? 6 : 7,
                stamp: stamp, progress: all.randomElement(using: &random) ?? .staged))
    }

    private func command(_ host: HostName, _ random: inout SeededGenerator) -> RolloutCommand {
        let rare = random.next() % 20 == 0
        let all: [RolloutCommand] = [
            .start, .approve, rare ? .reject : .approve, .pause, .resume, .resume, .promote, .promote, .retryFailed,
            .retryHost(host), .skipHost(host), .excludeHost(host), rare ? .rollBack : .resume, rare ? .abort : .promote,
            .extendDeadline(host: nil, by: .minutes(5)), .extendDeadline(host: host, by: .zero),
        ]
        return all.randomElement(using: &random) ?? .pause
    }
}
