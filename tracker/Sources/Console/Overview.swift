// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol

/// All that the first screen answers.
package struct Overview: Sendable {
    /// Why the fleet is not simply well.
    package struct Reason: Sendable {
        package let level: Level
        package let text: String
        /// Where it is seen in full.
        package let path: String

        package init(_ level: Level, _ text: String, _ path: String) {
            self.level = level
            self.text = text
            self.path = path
        }
    }

    /// A host that will have its master later than the others.
    package struct Slow: Sendable {
        package let host: String
        package let master: String
        /// The part that it has, 0 to 1.
        package let part: Double
        package let rate: UInt64
        package let cause: String
        package let finding: String

        package init(host: String, master: String, part: Double, rate: UInt64, cause: String, finding: String) {
            self.host = host
            self.master = master
            self.part = part
            self.rate = rate
            self.cause = cause
            self.finding = finding
        }
    }

    package struct Swarms: Sendable {
        /// Bytes a second that all hosts receive together.
        package var rate: UInt64 = 0
        package var fetchers = 0
        package var seeds = 0
        /// How many copies there are of the rarest piece that somebody lacks, as far as hosts see.
        package var rarestCopies: Int?
        /// When the last of them is done, in seconds from now.
        package var least: Int?
        package var most: Int?
        /// The slowest first, a few.
        package var slowest: [Slow] = []

        package init() {}
    }

    package struct Capacity: Sendable {
        package var hosts = 0
        package var silent = 0
        package var drained = 0
        package var unwell = 0
        /// Hosts with less space than a rollout leaves free, a few of them by name.
        package var low = 0
        package var lowest: [String] = []
        package var clonesOnActive = 0
        package var clonesOnOthers = 0

        package init() {}
    }

    /// Something that ends by itself.
    package struct Expiry: Sendable {
        package let what: String
        /// UTC, in the form `2026-01-31T12:00:00Z`.
        package let at: String
        package let days: Int

        package init(_ what: String, at: String, days: Int) {
            self.what = what
            self.at = at
            self.days = days
        }
    }

    package struct Trust: Sendable {
        /// Whether the tracker knows publishers.
        package var hasRoot = false
        package var expiries: [Expiry] = []
        /// Requests that were refused at the tracker's door since it began.
        package var refusals: UInt64 = 0

        package init() {}
    }

    package struct Tracker: Sendable {
        package var swarms = 0
        package var peers = 0
        package var announces: UInt64 = 0
        package var shed: UInt64 = 0
        /// Within what time 99 of 100 announces were answered, in seconds.
        package var slow: Double?
        package var lag = 0.0
        package var version = ""
        package var epoch = ""

        package init() {}
    }

    package var reasons: [Reason] = []
    /// Those that are not over, the newest first, and else the last one.
    package var rollouts: [RolloutStatusDocument] = []
    package var swarms = Swarms()
    package var capacity = Capacity()
    package var trust = Trust()
    package var tracker = Tracker()

    package init() {}

    /// The worst of it.
    var level: Level { reasons.map(\.level).max() ?? .good }
}
