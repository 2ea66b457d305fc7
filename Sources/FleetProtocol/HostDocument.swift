// SPDX-License-Identifier: Apache-2.0

/// An enrolled host as operators see it. Times are UTC in the form `2026-01-31T12:00:00Z`.
package struct HostDocument: Codable, Equatable, Sendable {
    package var version = FleetVersion.current
    package var name: String
    /// What it was given at its enrolment and what it says of itself, together.
    package var labels: [String: String]
    package var enrolled: String
    /// Whether it was heard of lately.
    package var isOnline: Bool
    /// When it was heard of last, to within some minutes after a restart of the tracker; `nil` when it never was.
    package var lastHeard: String?
    /// Whether operators keep it out of all rollouts.
    package var isDrained: Bool
    /// The lines of masters in which operators keep it at the version that it has.
    package var pinned: [String]
    /// What it last said of itself; `nil` until it has.
    package var facts: HostFacts?

    package init(
        name: String, labels: [String: String], enrolled: String, isOnline: Bool, lastHeard: String?, isDrained: Bool,
        pinned: [String], facts: HostFacts?
    ) {
        self.name = name
        self.labels = labels
        self.enrolled = enrolled
        self.isOnline = isOnline
        self.lastHeard = lastHeard
        self.isDrained = isDrained
        self.pinned = pinned
        self.facts = facts
    }

    private enum CodingKeys: String, CodingKey {
        case version, name, labels, enrolled
        case isOnline = "online"
        case lastHeard
        case isDrained = "drained"
        case pinned, facts
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        name = try container.text(.name, limit: FleetLimits.hostNameBytes)
        labels = try container.table(.labels, limit: 2 * FleetLimits.labels)
        enrolled = try container.text(.enrolled)
        isOnline = try container.flag(.isOnline)
        lastHeard = try container.textIfPresent(.lastHeard)
        isDrained = try container.flag(.isDrained)
        pinned = try container.list(.pinned, limit: FleetLimits.lines)
        facts = try container.decodeIfPresent(HostFacts.self, forKey: .facts)
    }
}

/// Enrolled hosts by name, a page at a time.
package struct HostListDocument: Codable, Equatable, Sendable {
    package var version = FleetVersion.current
    package var hosts: [HostDocument]
    /// Where the next page begins; `nil` after the last.
    package var next: String?

    package init(hosts: [HostDocument], next: String?) {
        self.hosts = hosts
        self.next = next
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        hosts = try container.list(.hosts, limit: FleetLimits.hostPage)
        next = try container.textIfPresent(.next)
    }
}
