// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import RolloutCore
import TrackerStorage

/// The enrolled hosts and what they last said of themselves.
struct KnownHosts {
    struct Host {
        /// Given at the enrolment; they count more than what the host says.
        var labels: [String: String]
        var facts: HostFacts?
    }

    private var hosts: [HostName: Host] = [:]

    var names: [HostName] { hosts.keys.sorted() }

    func isKnown(_ name: HostName) -> Bool { hosts[name] != nil }

    mutating func take(_ stored: StoredHost) {
        guard let name = HostName(stored.name) else { return }
        let facts = try? JSONDecoder().decode(HostFacts.self, from: Data(stored.facts))
        hosts[name] = Host(labels: stored.labels, facts: facts)
    }

    mutating func remove(_ name: HostName) { hosts[name] = nil }

    func facts(_ name: HostName) -> HostFacts? { hosts[name]?.facts }

    /// What a rollout of a line knows of a host; `nil` of one that has said nothing of itself yet.
    func host(_ name: HostName, line: String, isOnline: Bool) -> FleetHost? {
        guard let host = hosts[name], let facts = host.facts else { return nil }
        let labels = facts.labels.merging(host.labels) { _, given in given }
        var known = FleetHost(
            name: name, labels: labels, isOnline: isOnline, freeBytes: facts.freeBytes,
            capacityBytes: facts.capacityBytes)
        if let rate = facts.linkRate { known.linkRate = rate }
        known.isBusy = facts.isBusy
        known.isHealthy = facts.isHealthy
        guard let line = facts.lines.first(where: { $0.name == line }) else { return known }
        known.active = line.active.flatMap(UInt64.init(exactly:))
        known.held = Set(line.held.compactMap(UInt64.init(exactly:)))
        known.denied = Set(line.denied.compactMap(UInt64.init(exactly:)))
        known.isPinned = line.isPinned
        return known
    }

    /// Clones by version of a line, on these hosts.
    func clones(of line: String, on names: some Sequence<HostName>) -> [String: Int] {
        var counts: [String: Int] = [:]
        for name in names {
            guard let facts = hosts[name]?.facts.flatMap({ $0.lines.first { $0.name == line } }) else { continue }
            for clones in facts.clones { counts["\(clones.version)", default: 0] += clones.count }
        }
        return counts
    }
}
