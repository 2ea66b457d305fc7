// SPDX-License-Identifier: Apache-2.0

/// What a host sends to `POST /api/v1/fleet/report`: a sign of life, how far its orders are, and its facts when they have
/// changed or it has just started.
package struct HostNotice: Codable, Equatable, Sendable {
    package var version = FleetVersion.current
    package var reports: [HostReport]
    package var facts: HostFacts?
    /// What goes on at the moment; `nil` when nothing does.
    package var activity: HostActivity?

    package init(reports: [HostReport], facts: HostFacts? = nil, activity: HostActivity? = nil) {
        self.reports = reports
        self.facts = facts
        self.activity = activity
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        reports = try container.list(.reports, limit: FleetLimits.lines)
        facts = try container.decodeIfPresent(HostFacts.self, forKey: .facts)
        // Nothing depends on it, so that one that cannot be read spoils nothing.
        activity = try? container.decodeIfPresent(HostActivity.self, forKey: .activity)
    }
}
