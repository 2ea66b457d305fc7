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

    /// Removes what may go. What has got a clone or has been activated meanwhile stays.
    /// - Returns: what could not be removed, a sentence each.
    func prune(_ retention: Retention) -> [String] {
        var problems: [String] = []
        for removal in retention.removals {
            do {
                try removeMaster(removal.entry.name, force: false)
                try audit.add("master.prune", "\(removal.entry.name)", outcome: "done: \(removal.cause.rawValue)")
            } catch {
                problems.append("\(removal.entry.name): \(HostFailure(error).message)")
            }
        }
        return problems
    }

    func removeMaster(_ name: MasterName, force: Bool) throws {
        try clones.checkRemovable(name)
        if !force { try store.checkNotKept(name) }
        try store.remove(name) { !self.clones.clones(of: $0).isEmpty }
        trust.forget(name)
    }

    /// What may go from this host.
    func retention(quota: Int64?) -> Retention {
        let masters = store.masters()
        let newest = Dictionary(masters.map { ($0.name.name, $0.name.version) }, uniquingKeysWith: max)
        return Retention(
            of: masters.map { master in
                let versions = store.activeVersions(of: master.name.name)
                return Retention.Entry(
                    name: master.name, bytes: master.location == .store ? master.allocated : 0,
                    registeredAt: master.registeredAt, clones: clones.clones(of: master.name).count,
                    isKept: versions.kept.contains(master.name.version),
                    isPinned: versions.pinned.contains(master.name.version),
                    isRetired: versions.retired.contains(master.name.version),
                    isNewest: newest[master.name.name] == master.name.version)
            }, quota: quota)
    }
}

extension PruneReport {
    init(_ retention: Retention) {
        removed = retention.removals.map {
            Removal(master: "\($0.entry.name)", bytes: $0.entry.bytes, cause: $0.cause.rawValue)
        }
        waiting = retention.waiting.map { Waiting(master: "\($0.name)", reason: $0.hindrance.sentence) }
        excess = retention.excess
        problems = []
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
