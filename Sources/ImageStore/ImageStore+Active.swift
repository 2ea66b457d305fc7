// SPDX-License-Identifier: Apache-2.0

package import Metainfo

import FileLayer
import Synchronization

/// What a line of masters stands at, on disk: one small file for each line, replaced as a whole, so that new clones are
/// made of the old version or of the new one and of nothing else, whatever happens meanwhile.
extension ImageStore {
    /// The lines that were ever activated here, by name.
    package func activeLines() -> [(name: String, versions: ActiveVersions)] {
        state.withLock { $0.active }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    package func activeVersions(of line: String) -> ActiveVersions {
        state.withLock { $0.active[line] } ?? ActiveVersions()
    }

    /// The master that a bare name means: the active version, or where none is active the newest that was neither denied nor
    /// retired, nor brought by a tracker's order, which says itself when it is to be activated.
    /// - Throws: `.notFound`.
    package func master(of line: String) throws(StoreError) -> Master {
        let versions = activeVersions(of: line)
        if let name = versions.current.flatMap({ MasterName(name: line, version: $0) }) {
            return try master(named: name)
        }
        let masters = state.withLock {
            $0.masters.filter { $0.key.name == line && versions.isEligible($0.key.version) }
        }
        if let newest = masters.filter({ $0.value.isStaged != true }).keys.max() { return try master(named: newest) }
        if let staged = masters.keys.max() {
            throw StoreError(
                .notFound,
                "no version of \(line) is active yet: a rollout brought \(staged); name the version, or activate it with "
                    + "`drover master activate \(staged)`")
        }
        throw StoreError(
            .notFound, "there is no master '\(line)' in \(layout.root); `drover master list` shows what there is")
    }

    /// Makes a master the one that its bare name means.
    /// - Parameter clearingDenial: whether a version that this host went back from may come again.
    /// - Throws: `.notFound`; `.verification` when its image is not what was verified; `.conflict` when it was denied.
    package func activate(_ name: MasterName, clearingDenial: Bool = false) throws(StoreError) {
        // While nobody removes it.
        try reserving(name) { () throws(StoreError) in
            _ = try openMaster(name)
            try change(name.name) { versions throws(StoreError) in
                if let denial = versions.denial(of: name.version), !clearingDenial {
                    throw StoreError(
                        .conflict,
                        "this host went back from \(name) (\(denial.reason)); activate it with --clear-denial if it is good now"
                    )
                }
                versions.activate(name.version)
            }
        }
    }

    /// Goes back to the version that was active before, and remembers the one it leaves as bad. Nothing is needed but
    /// this host's disk.
    /// - Parameter isAllowed: whether a version may be used, as far as the store does not know that itself.
    /// - Returns: the master that is active now.
    /// - Throws: `.notFound` when nothing is active; `.conflict` when there is nothing to go back to.
    package func rollBack(
        _ line: String, reason: String, isAllowed: (MasterName) -> Bool = { _ in true }
    ) throws(StoreError) -> MasterName {
        let time = clock()
        var back: MasterName?
        try change(line) { versions throws(StoreError) in
            guard let current = versions.current else {
                throw StoreError(.notFound, "no version of \(line) is active; there is nothing to go back from")
            }
            let found = versions.rollBack(reason: reason, at: time) { version in
                guard let name = MasterName(name: line, version: version), let master = try? self.master(named: name)
                else { return false }
                return master.problem == nil && isAllowed(name)
            }
            back = found.flatMap { MasterName(name: line, version: $0) }
            guard back != nil else {
                throw StoreError(
                    .conflict,
                    "there is no sound version of \(line) before \(current) on this host; fetch one and activate it")
            }
        }
        guard let back else { throw StoreError(.invalid, "no version was gone back to; this is a bug") }
        return back
    }

    /// Leaves a version for a certain one, or for none, and remembers it as bad, also where it was not active or is not
    /// here.
    /// - Parameter isAllowed: whether the version to go back to may be used, as far as the store does not know that itself.
    /// - Throws: `.notFound` when the version to go back to is not here, not sound or not allowed.
    package func leave(
        _ bad: MasterName, for target: Int?, reason: String, isAllowed: (MasterName) -> Bool = { _ in true }
    ) throws(StoreError) {
        let time = clock()
        try change(bad.name) { versions throws(StoreError) in
            if versions.current == bad.version, let target {
                guard let name = MasterName(name: bad.name, version: target),
                    let master = try? self.master(named: name),
                    master.problem == nil, isAllowed(name)
                else {
                    throw StoreError(
                        .notFound,
                        "\(bad.name)@\(target) is not here, not sound or not allowed, so that \(bad) stays active; go back by hand"
                    )
                }
            }
            versions.leave(bad.version, for: target, reason: reason, at: time)
        }
    }

    /// Uses a master no more; it goes with its last clone.
    /// - Throws: `.notFound`; `.conflict` when it is active.
    package func retire(_ name: MasterName) throws(StoreError) {
        _ = try record(of: name)
        try change(name.name) { versions throws(StoreError) in
            guard versions.retire(name.version) else {
                throw StoreError(.conflict, "\(name) is the active version of \(name.name); activate another one first")
            }
        }
    }

    /// Keeps a master whatever space is wanted, or no longer.
    /// - Throws: `.notFound`.
    package func pin(_ name: MasterName, _ isPinned: Bool) throws(StoreError) {
        _ = try record(of: name)
        try change(name.name) { versions throws(StoreError) in versions.pin(name.version, isPinned) }
    }

    /// Refuses to let a version go that is active, or that its line may have to go back to.
    /// - Throws: `.conflict`.
    func checkNotKept(_ name: MasterName) throws(StoreError) {
        let versions = activeVersions(of: name.name)
        if versions.current == name.version {
            throw StoreError(
                .conflict,
                "\(name) is the active version of \(name.name); activate another one first, or force it with --force")
        }
        if versions.pinned.contains(name.version) {
            throw StoreError(
                .conflict, "\(name) is pinned; `drover master unpin \(name)` first, or force it with --force")
        }
        if versions.previous.contains(name.version) {
            throw StoreError(
                .conflict, "\(name) is kept so that \(name.name) can be rolled back to it; force it with --force")
        }
    }

    /// A master is gone: its line no longer stands at it nor goes back to it.
    func forgetActive(_ name: MasterName) throws(StoreError) {
        let versions = activeVersions(of: name.name)
        guard (versions.kept + versions.retired + versions.pinned).contains(name.version) else { return }
        try change(name.name) { versions throws(StoreError) in versions.forget(name.version) }
    }

    private func change(
        _ line: String, _ body: (inout ActiveVersions) throws(StoreError) -> Void
    ) throws(StoreError) {
        // One change at a time, so that none is written over by another that began from the same state.
        try activeChange.withLock { _ throws(StoreError) in
            var versions = activeVersions(of: line)
            try body(&versions)
            try translating { () throws(FileError) in
                try files.makeDirectory(layout.active)
                try files.syncDirectory(layout.root)
            }
            try RecordFile.write(versions, to: layout.activeRecord(line), files)
            state.withLock { $0.active[line] = versions }
        }
    }
}
