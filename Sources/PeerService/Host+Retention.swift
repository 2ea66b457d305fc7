// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import ImageStore
import Metainfo

/// Masters that are no longer wanted.
extension Host {
    /// - Returns: the master, with the clones that keep it.
    func mark(_ reference: MasterReference, _ mark: HostRequest.Mark) throws(HostFailure) -> MasterReport {
        guard reference.version != nil else {
            throw HostFailure(.usage, "'\(reference)' names no version; write NAME@VERSION, such as debian@3")
        }
        let master = try HostFailure.wrapping { try find(reference) }
        try audited("master.\(mark.rawValue)", "\(master.name)") { () throws(HostFailure) in
            try HostFailure.wrapping {
                switch mark {
                case .retired: try store.retire(master.name)
                case .pinned: try store.pin(master.name, true)
                case .unpinned: try store.pin(master.name, false)
                }
            }
        }
        return report(master)
    }

    /// Removes what may go. What has got a clone or was activated meanwhile stays.
    func prune(_ retention: Retention) throws(HostFailure) -> PruneReport {
        var report = PruneReport(retention)
        report.removed = []
        for removal in retention.removals {
            let name = removal.entry.name
            do {
                try audited("master.prune", "\(name)", outcome: "done: \(removal.cause.rawValue)") {
                    () throws(HostFailure) in try HostFailure.wrapping { try removeMaster(name, force: false) }
                }
                report.removed.append(PruneReport.Removal(removal))
            } catch {
                report.problems.append("\(name): \(error.message)")
                if removal.cause == .quota { report.excess += removal.entry.bytes }
            }
        }
        return report
    }

    func removeMaster(_ name: MasterName, force: Bool) throws {
        try clones.checkRemovable(name)
        try store.remove(name, force: force) { !self.clones.clones(of: $0).isEmpty }
        trust.forget(name)
    }

    /// What may go from this host.
    func retention(quota: Int64?) -> Retention {
        let masters = store.masters()
        let newest = Dictionary(masters.map { ($0.name.name, $0.name) }, uniquingKeysWith: max)
        // What a bare name means may be an older one, while a rollout has yet to activate what it brought.
        let meant = newest.mapValues { (try? store.master(of: $0.name))?.name }
        return Retention(
            of: masters.map { master in
                let versions = store.activeVersions(of: master.name.name)
                return Retention.Entry(
                    name: master.name, bytes: master.location == .store ? master.allocated : 0,
                    registeredAt: master.registeredAt, clones: clones.clones(of: master.name).count,
                    isKept: versions.kept.contains(master.name.version),
                    isPinned: versions.pinned.contains(master.name.version),
                    isRetired: versions.retired.contains(master.name.version),
                    isNewest: newest[master.name.name] == master.name || meant[master.name.name] == master.name)
            }, quota: quota)
    }
}

extension PruneReport {
    init(_ retention: Retention) {
        removed = retention.removals.map { Removal($0) }
        waiting = retention.waiting.map { Waiting(master: "\($0.name)", reason: $0.hindrance.sentence) }
        excess = retention.excess
        problems = []
    }
}

extension PruneReport.Removal {
    init(_ removal: Retention.Removal) {
        self.init(master: "\(removal.entry.name)", bytes: removal.entry.bytes, cause: removal.cause.rawValue)
    }
}

extension Retention.Hindrance {
    fileprivate var sentence: String {
        switch self {
        case .clones: "clones depend on it"
        case .pinned: "it is pinned"
        case .kept: "it is active, or kept to go back to"
        case .newest: "it is the newest of its line"
        }
    }
}
