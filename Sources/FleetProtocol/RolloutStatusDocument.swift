// SPDX-License-Identifier: Apache-2.0

/// How far a rollout is. Times are UTC in the form `2026-01-31T12:00:00Z`.
package struct RolloutStatusDocument: Codable, Equatable, Sendable {
    package struct Phase: OpenWord {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }
        package static let planned = Self(rawValue: "planned")
        package static let awaitingApproval = Self(rawValue: "awaiting-approval")
        package static let scheduled = Self(rawValue: "scheduled")
        package static let staging = Self(rawValue: "staging")
        package static let canary = Self(rawValue: "canary")
        package static let rolling = Self(rawValue: "rolling")
        package static let rollingBack = Self(rawValue: "rolling-back")
        package static let rejected = Self(rawValue: "rejected")
        package static let succeeded = Self(rawValue: "succeeded")
        package static let succeededWithExceptions = Self(rawValue: "succeeded-with-exceptions")
        package static let rolledBack = Self(rawValue: "rolled-back")
        package static let aborted = Self(rawValue: "aborted")
        package static let superseded = Self(rawValue: "superseded")
        package static let known = [
            planned, awaitingApproval, scheduled, staging, canary, rolling, rollingBack, rejected, succeeded,
            succeededWithExceptions, rolledBack, aborted, superseded,
        ]

        /// Whether nothing happens any more by itself.
        package var isOver: Bool {
            [.rejected, .succeeded, .succeededWithExceptions, .rolledBack, .aborted, .superseded].contains(self)
        }
    }

    package struct Pause: Codable, Equatable, Sendable {
        package var code: ReasonCode
        package var by: String
        package var since: String
        package var explanation: String?

        package init(code: ReasonCode, by: String, since: String, explanation: String?) {
            self.code = code
            self.by = by
            self.since = since
            self.explanation = explanation
        }
    }

    package struct Wave: Codable, Equatable, Sendable {
        /// From 0, which are the canaries.
        package var number: Int
        package var state: String
        /// Hosts by state; states without hosts are left out.
        package var hosts: [String: Int]

        package init(number: Int, state: String, hosts: [String: Int]) {
            self.number = number
            self.state = state
            self.hosts = hosts
        }
    }

    package var version = FleetVersion.current
    package var rollout: UInt64
    package var master: String
    package var selector: String
    package var phase: Phase
    package var since: String
    package var pause: Pause?
    /// The wave whose turn it is.
    package var wave: Int
    package var waves: [Wave]
    /// All hosts by state.
    package var hosts: [String: Int]
    /// Hosts that failed or ran out of time, and hosts that are blocked, by code.
    package var failures: [String: Int]
    package var blocked: [String: Int]
    /// Clones that hang on each version of the line, on the rollout's hosts.
    package var clones: [String: Int]
    /// When something happens by itself, at the latest.
    package var nextBy: String?
    /// The number of the log's last event: it grows with each change.
    package var sequence: UInt64

    package init(
        rollout: UInt64, master: String, selector: String, phase: Phase, since: String, pause: Pause?, wave: Int,
        waves: [Wave], hosts: [String: Int], failures: [String: Int], blocked: [String: Int], clones: [String: Int],
        nextBy: String?, sequence: UInt64
    ) {
        self.rollout = rollout
        self.master = master
        self.selector = selector
        self.phase = phase
        self.since = since
        self.pause = pause
        self.wave = wave
        self.waves = waves
        self.hosts = hosts
        self.failures = failures
        self.blocked = blocked
        self.clones = clones
        self.nextBy = nextBy
        self.sequence = sequence
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        rollout = try container.decode(UInt64.self, forKey: .rollout)
        master = try container.text(.master)
        selector = try container.text(.selector, limit: FleetLimits.expressionBytes)
        phase = try container.decode(Phase.self, forKey: .phase)
        since = try container.text(.since)
        pause = try container.decodeIfPresent(Pause.self, forKey: .pause)
        wave = try container.number(.wave, 0...FleetLimits.waves, default: 0)
        waves = try container.list(.waves, limit: FleetLimits.waves)
        hosts = try container.table(.hosts, limit: FleetLimits.page)
        failures = try container.table(.failures, limit: FleetLimits.page)
        blocked = try container.table(.blocked, limit: FleetLimits.page)
        clones = try container.table(.clones, limit: FleetLimits.page)
        nextBy = try container.textIfPresent(.nextBy)
        sequence = try container.decode(UInt64.self, forKey: .sequence)
    }
}
