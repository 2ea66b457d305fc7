// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import RolloutCore
import TrackerStorage
import Trust

/// The fleet in numbers, for those who watch over it.
package struct FleetMeasures: Sendable {
    /// One line's newest rollout that is under way, or has begun.
    package struct Rollout: Sendable {
        package let line: String
        package let phase: String
        /// Why it is paused, if it is.
        package let pause: String?
        /// Hosts by state, all states that there are.
        package let hosts: [(state: String, count: Int)]
        /// While it stages: how many times as long as the image takes over the median host's share of its link.
        package let stretch: Double?
        /// When the publishers' statement about the master ends, in seconds since 1970.
        package let expires: Int64?
    }

    package internal(set) var online = 0
    package internal(set) var silent = 0
    package internal(set) var drained = 0
    package internal(set) var pinned = 0
    /// Clones of versions that are active on their host, and of others.
    package internal(set) var clonesOnActive = 0
    package internal(set) var clonesOnOthers = 0
    /// Hosts that do not find themselves well.
    package internal(set) var unwell = 0
    /// By line, the newest rollouts first.
    package internal(set) var rollouts: [Rollout] = []

    /// All phases that there are.
    package static let phases = RolloutPhase.allCases.map(\.rawValue)
    /// Lines whose rollouts are told: what is labelled by line has this bound.
    package static let lineLimit = 64
}

extension Fleet {
    /// How the fleet is now.
    package func measures() async -> FleetMeasures {
        var measures = FleetMeasures()
        for name in hosts.names {
            guard let host = hosts[name] else { continue }
            if isOnline(host, name) { measures.online += 1 } else { measures.silent += 1 }
            if host.isDrained { measures.drained += 1 }
            if !host.pinnedLines.isEmpty { measures.pinned += 1 }
            if host.facts?.isHealthy == false { measures.unwell += 1 }
            for line in host.facts?.lines ?? [] {
                for clones in line.clones {
                    if clones.version == line.active {
                        measures.clonesOnActive += clones.count
                    } else {
                        measures.clonesOnOthers += clones.count
                    }
                }
            }
        }
        let newest = Dictionary(grouping: rollouts.values.filter(\.isShown), by: \.target.master.line)
            .compactMapValues { $0.max { $0.number < $1.number } }.values
            .sorted { $0.number > $1.number }.prefix(FleetMeasures.lineLimit)
        for rollout in newest {
            let counts = rollout.summary.counts
            measures.rollouts.append(
                FleetMeasures.Rollout(
                    line: rollout.target.master.line, phase: rollout.phase.rawValue,
                    pause: rollout.pause?.reason.rawValue,
                    hosts: HostState.Kind.allCases.map { ($0.rawValue, counts[$0] ?? 0) },
                    stretch: stretch(of: rollout), expires: await expiry(of: rollout)))
        }
        return measures
    }

    private func stretch(of rollout: Rollout) -> Double? {
        guard rollout.phase == .staging else { return nil }
        let rates = rollout.hosts.compactMap { record -> Double? in
            guard record.state.step?.isStaging ?? false || record.state == .staged else { return nil }
            return hosts.facts(record.name).map { Double($0.linkRate ?? FleetHost.usualLinkRate) }
        }.sorted()
        guard !rates.isEmpty else { return nil }
        let share = rates[rates.count / 2] * Double(rollout.settings.stageRatePercent) / 100
        let passed = Double(now.since(rollout.phaseSince).milliseconds) / 1000
        return share > 0 ? passed / max(0.001, Double(rollout.target.imageBytes) / share) : nil
    }

    private func expiry(of rollout: Rollout) async -> Int64? {
        let master = rollout.target.master
        guard let root, let version = Int(exactly: master.version), let name = master.name(version) else { return nil }
        return try? await signed(MasterStatement.self, about: .master(name), root)?.expires
    }
}

extension Rollout {
    /// Whether it says how the fleet is: what was planned and never begun does not.
    fileprivate var isShown: Bool { hasBegun || !phase.isTerminal }
}
