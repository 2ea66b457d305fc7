// SPDX-License-Identifier: Apache-2.0

package import FileLayer
package import Metainfo

import Synchronization

extension ImageStore {
    /// Registers an image that stays where it is, such as on a file server's share, after it was read and compared with
    /// its torrent. Nothing is written beside it or to it, then or later.
    /// - Parameters:
    ///   - path: absolute and without symbolic links, see ``StoreLayout/resolve(_:)``.
    ///   - torrent: the bytes `metainfo` was read from.
    ///   - progress: told the bytes done.
    ///   - isCancelled: asked often; nothing is left then.
    /// - Throws: `.alreadyRegistered`, or `.conflict` when the name is taken or the image lies in the store; `.notFound`;
    ///   `.invalid` for what is not a regular file; `.verification` when it is not the torrent's image; `.sourceChanged`;
    ///   `.cancelled`.
    package func adopt(
        _ path: String, _ metainfo: Metainfo, torrent: [UInt8], as name: MasterName, label: String?,
        progress: @escaping @Sendable (Int64) -> Void = { _ in },
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(StoreError) -> Master {
        try reserving(name) { () throws(StoreError) in
            try checkName(name, for: metainfo)
            guard state.withLock({ $0.fetches[name] }) == nil else {
                throw StoreError(.conflict, "\(name) is being fetched; adopt under another name or give that fetch up")
            }
            guard !path.hasPrefix("\(layout.root)/") else {
                throw StoreError(
                    .conflict,
                    "\(path) lies in the store \(layout.root), which may change it; adopt one that lies elsewhere")
            }
            let size = metainfo.geometry.size
            let before = try reach(path)
            guard !before.isDirectory, before.size > 0 else {
                throw StoreError(.invalid, "\(path) is empty or not a regular file; name a raw disk image")
            }
            guard before.size == size else {
                throw StoreError(
                    .verification,
                    "\(path) has \(before.size) bytes and the torrent's image \(size); name the image that the torrent "
                        + "was made of")
            }
            let bad = try badPieces(of: metainfo, in: path, progress: progress, isCancelled: isCancelled)
            if let first = bad.first {
                throw StoreError(
                    .verification,
                    "\(path) is not the torrent's image: \(bad.count) of \(metainfo.geometry.pieceCount) pieces are "
                        + "wrong, the first is piece \(first.number); name the image that the torrent was made of")
            }
            guard try reach(path).stamp == before.stamp else {
                throw StoreError(
                    .sourceChanged, "\(path) changed while it was read; stop what writes to it and try again")
            }
            var record = MasterRecord(
                metainfo: metainfo, label: label, modified: before.modified, registeredAt: clock())
            record.adopted = MasterRecord.Adopted(path: path, changed: before.changed)
            // The record makes the master; a torrent without one is swept.
            do throws(StoreError) {
                try translating { () throws(FileError) in try files.replace(layout.masterTorrent(name), with: torrent) }
                try RecordFile.write(record, to: layout.masterRecord(name), files)
            } catch {
                try? files.remove(layout.masterRecord(name))
                try? files.remove(layout.masterTorrent(name))
                throw error
            }
            state.withLock { [record] in $0.masters[name] = record }
            return try master(named: name)
        }
    }

    /// Whether a master's image lies outside of the store; `nil` when there is no such master. Asks no file server.
    package func isAdopted(_ name: MasterName) -> Bool? {
        state.withLock { $0.masters[name].map { $0.adopted != nil } }
    }

    /// An adopted master as it is now. Takes no longer than a silent file server is waited for.
    func adoptedMaster(_ name: MasterName, _ record: MasterRecord, _ adopted: MasterRecord.Adopted) -> Master {
        var master = Master(name, record, path: adopted.path, location: .adopted)
        do throws(StoreError) {
            let status = try reach(adopted.path)
            master.allocated = status.allocated
            master.stamp = status.stamp
            if record.badPieces != nil {
                master.state = .failed
                master.problem =
                    "\(adopted.path) failed its verification; put the right image there and run `drover master verify "
                    + "\(name)`, or remove the master"
            } else if status.size != record.size || status.modified != record.modified
                || status.changed != adopted.changed
            {
                master.state = .altered
                master.problem =
                    "\(adopted.path) was changed since it was verified; run `drover master verify \(name)`"
            }
        } catch {
            master.state = .unreachable
            master.problem = error.description
        }
        return master
    }

    /// What is known of a master's file, on a share as its server has it; `nil` when nothing is there.
    /// - Throws: ``FileError``, also when a share does not answer in time.
    package func look(at path: String) throws(FileError) -> FileStatus? { try shared.status(path) }

    /// What is known of a file outside of the store.
    /// - Throws: `.notFound` with a sentence that leads to the share, when it is not there, not readable or silent.
    func reach(_ path: String) throws(StoreError) -> FileStatus {
        let status: FileStatus?
        do throws(FileError) { status = try shared.status(path) } catch {
            throw StoreError(
                .notFound,
                "\(path) cannot be reached (\(error.reason)); is the share mounted, its server up, and the file readable?"
            )
        }
        guard let status else {
            throw StoreError(.notFound, "\(path) is not there; is the share mounted?")
        }
        return status
    }
}
