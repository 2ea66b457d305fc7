// SPDX-License-Identifier: Apache-2.0

import RolloutCore

extension FleetScenario {
    /// A small fleet with all kinds of trouble, an unreliable network and operators who do anything, all of it from the
    /// seed.
    package static func random(seed: UInt64) -> FleetScenario {
        var random = SeededRandom(seed: seed)
        var scenario = FleetScenario(seed: random.next(), count: Int.random(in: 1...60, using: &random))
        let misery = Double.random(in: 0...0.6, using: &random) * (random.happens(0.3) ? 0 : 1)
        for place in scenario.hosts.indices {
            scenario.hosts[place].clockRate = Double.random(in: 0.8...1.25, using: &random)
            if random.happens(misery) { scenario.hosts[place].trouble = trouble(&random) }
            if place > 0, random.happens(misery / 4) { scenario.hosts[place].facts.isOnline = false }
            if place > 0, random.happens(misery / 8) { scenario.hosts[place].facts.isDrained = true }
            if place > 0, random.happens(misery / 8) {
                scenario.hosts[place].joinsAt = random.span(upTo: .hours(1))
            }
        }
        scenario.lost = random.happens(0.5) ? Double.random(in: 0...0.3, using: &random) : 0
        scenario.duplicated = random.happens(0.5) ? 0.3 : 0
        scenario.delay = random.span(upTo: .minutes(20))
        scenario.settings = settings(&random)
        scenario.happenings = (0..<Int.random(in: 0...6, using: &random)).map { _ in
            (random.span(upTo: .hours(2)), happening(scenario.hosts.count, &random))
        }
        // Half of all fleets see a second rollout while the first is under way.
        if random.happens(0.5) {
            scenario.happenings.append((random.span(upTo: .hours(1)), .newRollout(version: 8)))
        }
        // Whatever is held is let go again some time.
        for (at, what) in scenario.happenings {
            if case .hold(let hold) = what {
                scenario.happenings.append((at + random.span(upTo: .hours(3)), .lift(hold)))
            }
        }
        scenario.reactions = (0..<Int.random(in: 0...8, using: &random)).map { _ in reaction(&random) }
        return scenario
    }

    private static func settings(_ random: inout SeededRandom) -> RolloutSettings {
        var settings = RolloutSettings()
        settings.isPromotedAutomatically = random.happens(0.5)
        settings.needsApproval = random.happens(0.2)
        settings.slots = [1, 3, 50].randomElement(using: &random) ?? 50
        settings.canaries = random.happens(0.5) ? .automatic : .count(Int.random(in: 1...5, using: &random))
        settings.probing = [.canaries, .everyHost, .nobody].randomElement(using: &random) ?? .canaries
        settings.onError = [.pause, .rollback, .rollbackAll].randomElement(using: &random) ?? .pause
        settings.toleratedPercent = [0, 5, 40].randomElement(using: &random) ?? 5
        settings.toleratedFailures = [0, 1, 5].randomElement(using: &random) ?? 1
        settings.retries = Int.random(in: 0...3, using: &random)
        return settings
    }

    private static func trouble(_ random: inout SeededRandom) -> Trouble {
        let step = HostStep.allCases.randomElement(using: &random) ?? .staging
        switch Int.random(in: 0..<9, using: &random) {
        case 0, 1: return .dies(step, returnsAfter: random.happens(0.5) ? random.span(upTo: .hours(1)) : nil)
        case 2, 3, 4:
            let code = FailureCode.allCases.randomElement(using: &random) ?? .internal
            return .fails(step, code, times: Int.random(in: 1...6, using: &random))
        case 5: return .stops(atPart: Double.random(in: 0...1, using: &random))
        case 6: return .isSlow(Double.random(in: 1...20, using: &random))
        case 7: return .returnsAlone(after: random.span(upTo: .minutes(20)))
        default:
            return random.happens(0.5)
                ? .flaps(every: .minutes(1) + random.span(upTo: .minutes(20)))
                : .isFull(until: random.span(upTo: .hours(1)))
        }
    }

    private static func happening(_ hosts: Int, _ random: inout SeededRandom) -> Happening {
        let host = Int.random(in: 0..<hosts, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: return .trackerRestarts
        case 2: return .hold(.windowClosed)
        case 3: return .hold(.trustExpired)
        case 4: return .leaves(host)
        case 5: return .drains(host)
        case 6:
            return switch Int.random(in: 0..<4, using: &random) {
            case 0: .newRollout(version: UInt64.random(in: 8...10, using: &random))
            case 1: .oldRollBack
            default: .trackerIsAway(random.span(upTo: .hours(2)))
            }
        default: return .command(command(hosts, &random))
        }
    }

    private static func command(_ hosts: Int, _ random: inout SeededRandom) -> RolloutCommand {
        let host = Host(number: Int.random(in: 0..<hosts, using: &random)).map(\.facts.name)
        let commands: [RolloutCommand?] = [
            .pause, .resume, .promote, .retryFailed, host.map(RolloutCommand.retryHost),
            host.map(RolloutCommand.skipHost),
            host.map(RolloutCommand.excludeHost), .extendDeadline(host: nil, by: .minutes(5)),
            random.happens(0.2) ? .rollBack : .pause, random.happens(0.2) ? .abort : .resume,
        ]
        return (commands.randomElement(using: &random) ?? nil) ?? .pause
    }

    private static func reaction(_ random: inout SeededRandom) -> Reaction {
        let after = random.span(upTo: .minutes(30))
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return Reaction([.rollBack], after: after)
        case 1: return Reaction([.retryFailed, .resume, .promote], after: after)
        case 2: return Reaction([.resume, .promote], after: after + .hours(6))
        case 3: return Reaction([.abort], after: after)
        default: return Reaction([.promote, .resume], after: after)
        }
    }
}
