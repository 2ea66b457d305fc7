// SPDX-License-Identifier: Apache-2.0

package import RolloutCore

/// A rollout on a made-up fleet: the hosts and what is wrong with them, the network between them and the tracker, and
/// what operators do. Everything random follows from the seed.
package struct FleetScenario: Sendable {
    package var seed: UInt64
    package var hosts: [Host]
    package var settings = RolloutSettings()
    package var selector = HostSelector.all
    package var version: UInt64 = 7
    package var imageBytes: UInt64 = 10 << 30
    /// How often hosts get in touch with the tracker, by their own clocks.
    package var pollInterval = Span.seconds(15)
    /// The same of hosts in the middle of nothing while the rollout is at rest.
    package var restingPollInterval = Span.minutes(2)
    /// Parts, from 0 to 1, of the messages that are lost in each direction, and that arrive a second time.
    package var lost = 0.0
    package var duplicated = 0.0
    /// How long a message, or its second copy, takes at most.
    package var delay = Span.seconds(1)
    /// What happens besides, at its time.
    package var happenings: [(at: Span, what: Happening)] = []
    /// What operators do about a pause, in order; when they are out of it the pause stays.
    package var reactions: [Reaction] = []
    /// No rollout may go on for longer without coming to its end or a pause.
    package var patience = Span.hours(24)
    package var traceLimit = 0

    package init(seed: UInt64, hosts: [Host]) {
        self.seed = seed
        self.hosts = hosts
    }

    /// So many sound hosts in eight racks.
    package init(seed: UInt64, count: Int) { self.init(seed: seed, hosts: (0..<count).compactMap(Host.init(number:))) }

    package struct Host: Sendable {
        package var facts: FleetHost
        package var trouble: Trouble?
        /// How fast the host's clock runs.
        package var clockRate = 1.0
        /// Whether it joins later instead of being there from the start.
        package var joinsAt: Span?

        /// - Returns: `nil` only for a negative number.
        package init?(number: Int) {
            let digits = String(number)
            guard let name = HostName("h" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits) else {
                return nil
            }
            facts = FleetHost(
                name: name, labels: ["rack": "r\(number % 8)"], active: 6, held: [6], freeBytes: 100 << 30,
                capacityBytes: 200 << 30)
        }
    }

    /// What goes wrong with a host.
    package enum Trouble: Equatable, Sendable {
        /// Its power goes in this step, and comes back after a while or never.
        case dies(HostStep, returnsAfter: Span?)
        /// The step fails so many times, and then works.
        case fails(HostStep, FailureCode, times: Int)
        /// It never gets further than this part of the image.
        case stops(atPart: Double)
        /// It is so many times slower than the others.
        case isSlow(Double)
        /// It is well for so long, and then goes back by itself.
        case returnsAlone(after: Span)
        /// It comes and goes.
        case flaps(every: Span)
        /// It has no room until this time.
        case isFull(until: Span)
    }

    package enum Happening: Equatable, Sendable {
        case command(RolloutCommand)
        case trackerRestarts
        /// It is away for so long: nothing reaches it, no time passes for it.
        case trackerIsAway(Span)
        case hold(RolloutInput.Hold)
        case lift(RolloutInput.Hold)
        case leaves(Int)
        case drains(Int)
        /// A rollout of a newer version of the line is planned and started.
        case newRollout(version: UInt64)
        /// An operator rolls the rollout before the latest one back.
        case oldRollBack
    }

    /// Commands, a while after a pause began; refusals are taken as they come.
    package struct Reaction: Equatable, Sendable {
        package var commands: [RolloutCommand]
        package var after: Span

        package init(_ commands: [RolloutCommand], after: Span = .minutes(2)) {
            self.commands = commands
            self.after = after
        }
    }
}
