// SPDX-License-Identifier: Apache-2.0

/// What a rollout would do, told before anything starts.
package struct RolloutPlanDocument: Codable, Equatable, Sendable {
    package struct Host: Codable, Equatable, Sendable {
        package var name: String
        package var bytesToMove: UInt64
        /// The version that is active there; the one to go back to.
        package var active: Int?
        /// Why the host takes no part for now: `already`, `offline`, or what blocks it.
        package var code: ReasonCode?

        package init(name: String, bytesToMove: UInt64, active: Int?, code: ReasonCode?) {
            self.name = name
            self.bytesToMove = bytesToMove
            self.active = active
            self.code = code
        }
    }

    /// In seconds, from all going well to each step taking all of its time.
    package struct Prediction: Codable, Equatable, Sendable {
        package var staging: Double
        package var earliest: Double
        package var latest: Double

        package init(staging: Double, earliest: Double, latest: Double) {
            self.staging = staging
            self.earliest = earliest
            self.latest = latest
        }
    }

    package var version = FleetVersion.current
    /// The rollout's number once it was created; `nil` for a plan that was only asked for.
    package var rollout: UInt64?
    package var master: String
    package var selector: String
    /// The canaries first.
    package var waves: [[Host]]
    package var aside: [Host]
    package var bytesToMove: UInt64
    package var prediction: Prediction?
    /// Why it cannot be started, as sentences; none when it can.
    package var problems: [String]

    package init(
        rollout: UInt64?, master: String, selector: String, waves: [[Host]], aside: [Host], bytesToMove: UInt64,
        prediction: Prediction?, problems: [String]
    ) {
        self.rollout = rollout
        self.master = master
        self.selector = selector
        self.waves = waves
        self.aside = aside
        self.bytesToMove = bytesToMove
        self.prediction = prediction
        self.problems = problems
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        rollout = try container.decodeIfPresent(UInt64.self, forKey: .rollout)
        master = try container.text(.master)
        selector = try container.text(.selector, limit: FleetLimits.expressionBytes)
        waves = try container.list(.waves, limit: FleetLimits.waves)
        aside = try container.list(.aside, limit: FleetLimits.hosts)
        bytesToMove = try container.decode(UInt64.self, forKey: .bytesToMove)
        prediction = try container.decodeIfPresent(Prediction.self, forKey: .prediction)
        problems = try container.list(.problems, limit: FleetLimits.page)
    }
}
