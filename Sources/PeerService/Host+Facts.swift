// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import FleetProtocol
import ImageStore
import Metainfo

/// What this host says of itself to its tracker.
extension Host {
    /// - Parameter labels: as they were given to the peer; what runs the machines here is added where it was not said.
    func facts(labels: [String: String], isHealthy: Bool) -> HostFacts {
        let space = try? files.space(at: store.layout.root)
        let capacity = UInt64(max(0, space?.total ?? 0))
        // Not news with each block that is written.
        let step = max(1 << 20, capacity / 256)
        let masters = store.masters()
        let lines = Set(masters.map(\.name.name)).union(store.activeLines().map(\.name)).sorted()
        let limits = try? rateLimits()
        var labels = labels
        if labels["hypervisor"] == nil, labels.count < FleetLimits.labels,
            let found = LocalHypervisors(files: files, tools: tools).foremost
        {
            labels["hypervisor"] = found.rawValue
        }
        return HostFacts(
            program: ProgramVersion.text, labels: labels,
            freeBytes: UInt64(max(0, space?.available ?? 0)) / step * step,
            capacityBytes: capacity, linkRate: LinkRate.bytesPerSecond(cap: limits?.down).map { UInt64($0) },
            isHealthy: isHealthy, lines: lines.prefix(FleetLimits.lines).map { facts(of: $0, masters) })
    }

    private func facts(of line: String, _ masters: [Master]) -> HostFacts.LineFacts {
        let versions = store.activeVersions(of: line)
        let held = masters.filter { $0.name.name == line && $0.state == .registered }.map(\.name.version)
        let counts = Dictionary(
            clones.list().filter { $0.master.name == line }.map { ($0.master.version, 1) }, uniquingKeysWith: +)
        return HostFacts.LineFacts(
            name: line, active: versions.current, held: Array(held.sorted().suffix(FleetLimits.versions)),
            denied: versions.denied.map(\.version).suffix(FleetLimits.versions),
            clones: counts.sorted { $0.key < $1.key }.suffix(FleetLimits.versions).map {
                HostFacts.VersionClones(version: $0.key, count: $0.value)
            })
    }

    /// Is on the version that was ordered, and not again on the one that is left.
    /// - Throws: `.notFound` when the version to go back to is not here, or not one that a tracker may order.
    func goBack(from bad: MasterName, to previous: Int?) throws {
        let before = store.activeVersions(of: bad.name).current
        try audited("master.rollback", bad.name, before: before) { () throws(HostFailure) in
            try HostFailure.wrapping {
                try store.leave(bad, for: previous, reason: "rolled back by the tracker") { self.isWayBack(to: $0) }
            }
        }
    }

    /// Where publishers are pinned a tracker's word leads back only to what was active here just before, and otherwise to
    /// what they let this host activate anyway: never to whatever old version it happens to hold.
    private func isWayBack(to name: MasterName) -> Bool {
        guard !trust.isRevoked(name) else { return false }
        let versions = store.activeVersions(of: name.name)
        if trust.root == nil || versions.previous.contains(name.version) { return true }
        guard let master = try? store.master(named: name) else { return false }
        return (try? checkSigned(master, active: versions.current)) != nil
    }
}
