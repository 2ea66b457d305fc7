// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import RolloutCore
import TrackerStorage

/// The enrolled hosts, what they last said of themselves, and what operators want of them.
struct KnownHosts {
    struct Host {
        let revision: Int
        let enrolled: Instant
        /// When it was last heard of, as far as that was stored.
        let lastHeard: Instant?
        /// Given at the enrolment; they count more than what the host says.
        let givenLabels: [String: String]
        let isDrained: Bool
        let pinnedLines: Set<String>
        let facts: HostFacts?

        init(_ stored: StoredHost) {
            revision = stored.revision
            enrolled = Instant(seconds: stored.enrolled)
            lastHeard = stored.lastHeard.map(Instant.init(seconds:))
            givenLabels = stored.labels
            isDrained = stored.isDrained
            pinnedLines = stored.pinnedLines
            facts = try? JSONDecoder().decode(HostFacts.self, from: Data(stored.facts))
        }

        var labels: [String: String] { (facts?.labels ?? [:]).merging(givenLabels) { _, given in given } }
    }

    private var hosts: [HostName: Host] = [:]
    /// The hosts in order.
    private(set) var names: [HostName] = []

    func isKnown(_ name: HostName) -> Bool { hosts[name] != nil }

    subscript(_ name: HostName) -> Host? { hosts[name] }

    /// Takes in a host as it was stored, unless something newer is known.
    mutating func take(_ stored: StoredHost) {
        guard let name = HostName(stored.name) else { return }
        if let known = hosts[name] {
            guard known.revision <= stored.revision else { return }
        } else {
            names.insert(name, at: place(of: name))
        }
        hosts[name] = Host(stored)
    }

    mutating func remove(_ name: HostName) {
        if hosts.removeValue(forKey: name) != nil { names.remove(at: place(of: name)) }
    }

    /// Why operators keep the host out of rollouts of the line, if they do.
    func keptOut(_ name: HostName, of line: String) -> BlockReason? {
        guard let host = hosts[name] else { return nil }
        return host.isDrained ? .drained : host.pinnedLines.contains(line) ? .pinned : nil
    }

    func facts(_ name: HostName) -> HostFacts? { hosts[name]?.facts }

    /// The hosts whose names come after this one, in order.
    func names(after name: HostName?) -> ArraySlice<HostName> {
        guard let name else { return names[...] }
        let place = place(of: name)
        return names[(place < names.count && names[place] == name ? place + 1 : place)...]
    }

    /// Where a name is, or would be, in order.
    private func place(of name: HostName) -> Int {
        var (low, high) = (0, names.count)
        while low < high {
            let middle = low + (high - low) / 2
            if names[middle] < name { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// What a rollout of a line knows of a host; `nil` of one that has said nothing of itself yet.
    func host(_ name: HostName, line: String, isOnline: Bool) -> FleetHost? {
        guard let host = hosts[name], let facts = host.facts else { return nil }
        var known = FleetHost(
            name: name, labels: host.labels, isOnline: isOnline, freeBytes: facts.freeBytes,
            capacityBytes: facts.capacityBytes)
        if let rate = facts.linkRate { known.linkRate = rate }
        known.isBusy = facts.isBusy
        known.isHealthy = facts.isHealthy
        known.isDrained = host.isDrained
        known.isPinned = host.pinnedLines.contains(line)
        guard let line = facts.lines.first(where: { $0.name == line }) else { return known }
        known.active = line.active.flatMap(UInt64.init(exactly:))
        known.held = Set(line.held.compactMap(UInt64.init(exactly:)))
        known.denied = Set(line.denied.compactMap(UInt64.init(exactly:)))
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
