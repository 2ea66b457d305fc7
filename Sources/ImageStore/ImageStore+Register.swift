// SPDX-License-Identifier: Apache-2.0

package import Metainfo

import FileLayer
import Synchronization

extension ImageStore {
    /// Turns a complete fetch into a master, without reading it again: every piece was verified before it was written
    /// and is recorded. The partial image stays readable, so that serving goes on without a gap. A request for clones
    /// is kept until ``finishRequest(of:)``.
    /// - Throws: `.conflict` while pieces are missing; `.poisoned` when a sync fails; `.noSpace`. The fetch is then still
    ///   there to be resumed.
    @discardableResult
    package func register(_ partial: PartialImage) throws(StoreError) -> Master {
        let name = partial.name
        return try reserving(name) { () throws(StoreError) in
            try checkName(name, for: partial.metainfo)
            guard state.withLock({ $0.open[name] === partial }) else {
                throw StoreError(.conflict, "this fetch of \(name) was replaced by a newer one; use that")
            }
            try partial.seal()
            do throws(StoreError) {
                do throws(FileError) {
                    try check(partial.file, layout.partialImage(name), size: partial.metainfo.geometry.size)
                } catch {
                    partial.unseal()
                    throw error.operation == "sync" || error.cause == .io ? partial.poison(error) : StoreError(error)
                }
                try publish(
                    layout.partialImage(name), as: name, partial.metainfo, torrent: partial.torrent,
                    label: partial.request.label, isStaged: partial.request.isOrdered)
            } catch {
                partial.unseal()
                throw error
            }
            let keepsRequest = partial.request.clones != nil
            state.withLock {
                $0.open[name] = nil
                if !keepsRequest { $0.fetches[name] = nil }
            }
            try translating { () throws(FileError) in
                if !keepsRequest { try files.remove(layout.fetchRecord(name)) }
                try files.remove(layout.journal(name))
                try files.remove(layout.partialTorrent(name))
                try files.syncDirectory(layout.partials)
            }
            return try master(named: name)
        }
    }

    /// Removes a master; of an adopted one only what the store has of it, and not its image.
    /// - Parameters:
    ///   - force: also when it is active, kept to go back to, or pinned.
    ///   - isInUse: whether clones depend on it.
    /// - Throws: `.notFound`; `.conflict` when it is in use.
    package func remove(
        _ name: MasterName, force: Bool = false, isInUse: (MasterName) -> Bool
    ) throws(StoreError) {
        try reserving(name) { () throws(StoreError) in
            if !force { try checkNotKept(name) }
            let isAdopted = try record(of: name).adopted != nil
            guard !isInUse(name) else {
                throw StoreError(
                    .conflict, "clones depend on \(name); remove them first (`drover clone list` shows them)")
            }
            // First, so that a line never stands at a master that is gone.
            try forgetActive(name)
            // A request for clones that is left over would look like a fetch once the master is gone.
            try translating { () throws(FileError) in
                try files.remove(layout.fetchRecord(name))
                try files.syncDirectory(layout.partials)
            }
            // Then what makes it a master: without it the rest is a leftover. Where the image is in the store it is the
            // image, so that there is no moment at which a large file lies there that nothing speaks of.
            try translating { () throws(FileError) in
                try files.remove(isAdopted ? layout.masterRecord(name) : layout.masterImage(name))
                try files.syncDirectory(layout.masters)
            }
            state.withLock {
                $0.masters[name] = nil
                $0.fetches[name] = nil
            }
            try translating { () throws(FileError) in
                try files.remove(layout.masterRecord(name))
                try files.remove(layout.masterTorrent(name))
                try files.syncDirectory(layout.masters)
            }
        }
    }

    /// Makes sure that an image has its size, is read-only, and is on disk with all its bytes.
    func check(_ file: any OpenFile, _ path: String, size: Int64) throws(FileError) {
        let found = try file.size()
        guard found == size else {
            throw FileError(.io, operation: "register", path: path, reason: "it has \(found) bytes instead of \(size)")
        }
        try files.setMode(path, 0o444)
        try file.sync()
    }

    /// Moves a checked image to the masters. Torrent and record come first and are nothing without it; after a crash
    /// before the rename they are swept and the image is still where it was.
    func publish(
        _ path: String, as name: MasterName, _ metainfo: Metainfo, torrent: [UInt8], label: String?,
        isStaged: Bool = false
    ) throws(StoreError) {
        do throws(StoreError) {
            guard let status = try translating({ () throws(FileError) in try files.status(path) }) else {
                throw StoreError(.io, "\(path) vanished while it was being registered; make it again")
            }
            var record = MasterRecord(
                metainfo: metainfo, label: label, modified: status.modified, registeredAt: clock())
            // In the record itself: no crash leaves a master that a bare name means too early.
            if isStaged { record.isStaged = true }
            try translating { () throws(FileError) in try files.replace(layout.masterTorrent(name), with: torrent) }
            try RecordFile.write(record, to: layout.masterRecord(name), files)
            try translating { () throws(FileError) in try files.rename(path, to: layout.masterImage(name)) }
            state.withLock { $0.masters[name] = record }
        } catch {
            try? files.remove(layout.masterRecord(name))
            try? files.remove(layout.masterTorrent(name))
            throw error
        }
        // The new name must be on disk before the old one is given up.
        try translating { () throws(FileError) in
            try files.syncDirectory(layout.masters)
            try files.syncDirectory(layout.partials)
        }
    }
}
