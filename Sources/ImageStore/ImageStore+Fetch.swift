// SPDX-License-Identifier: Apache-2.0

package import Metainfo

import FileLayer
import Synchronization

/// A fetch that the store knows of.
package struct PartialSummary: Sendable {
    package let name: MasterName
    package let request: FetchRequest
    package let infoHashes: InfoHashes
    /// The image's size in bytes.
    package let size: Int64
    /// Bytes that are verified and on disk, runs of zeros included.
    package let verifiedBytes: Int64
}

extension ImageStore {
    /// Begins a fetch, or goes on with the same one.
    /// - Parameters:
    ///   - torrent: the bytes `metainfo` was read from.
    ///   - request: on disk when this returns; a fetch that goes on takes over the new wishes for clones and label,
    ///     and adds the trackers.
    /// - Throws: `.alreadyRegistered` when the very content is there, `.conflict` when the name stands for other
    ///   content, `.noSpace` before anything is written when what is missing does not fit.
    package func beginFetch(
        _ metainfo: Metainfo, torrent: [UInt8], as name: MasterName, request: FetchRequest
    ) throws(StoreError) -> PartialImage {
        try reserving(name) { () throws(StoreError) in
            try checkName(name, for: metainfo)
            guard let infoHash = metainfo.infoHashes.v2?.hex else {
                throw StoreError(.invalid, "the torrent of \(name) has no version 2 hashes; make it again with them")
            }
            var request = request
            let (known, open) = state.withLock { ($0.fetches[name], $0.open[name]) }
            if let known {
                guard known.infoHash == infoHash else {
                    throw StoreError(
                        .conflict,
                        "a fetch of other content as \(name) is under way; choose a higher version or give that one up")
                }
                request.clones = request.clones ?? known.request.clones
                request.label = request.label ?? known.request.label
                request.trackers += known.request.trackers.filter { !request.trackers.contains($0) }
            }
            let record = FetchRecord(infoHash: infoHash, request: request)
            let isNew = known == nil
            if isNew { try checkSpace(for: Self.bytes(missingIn: nil, metainfo), "fetching \(name)") }
            if let open, !open.isPoisoned {
                if open.request != request {
                    try RecordFile.write(record, to: layout.fetchRecord(name), files)
                    state.withLock { $0.fetches[name] = record }
                    open.take(request)
                }
                return open
            }
            do throws(StoreError) {
                try translating { () throws(FileError) in
                    try files.replace(layout.partialTorrent(name), with: torrent)
                }
                try RecordFile.write(record, to: layout.fetchRecord(name), files)
                let image = try openPartial(name, record)
                state.withLock {
                    $0.fetches[name] = record
                    $0.open[name] = image
                }
                return image
            } catch {
                if isNew { try? removeFetch(name) }
                throw error
            }
        }
    }

    /// The fetches that are not complete.
    package func partials() -> [PartialSummary] {
        let (fetches, open, masters) = state.withLock { ($0.fetches, $0.open, $0.masters) }
        return fetches.filter { masters[$0.key] == nil }.sorted { $0.key < $1.key }.compactMap { name, record in
            let image = open[name]
            guard let metainfo = image?.metainfo ?? (try? partialTorrent(name).metainfo) else { return nil }
            return PartialSummary(
                name: name, request: record.request, infoHashes: metainfo.infoHashes, size: metainfo.geometry.size,
                verifiedBytes: image?.verifiedBytes ?? verifiedBytes(name, metainfo))
        }
    }

    /// Opens a fetch that an earlier run began, or reopens one after a failed sync.
    /// - Throws: `.notFound`; `.alreadyRegistered` when it was completed; `.noSpace` when what is missing does not fit.
    package func resume(_ name: MasterName) throws(StoreError) -> PartialImage {
        try reserving(name) { () throws(StoreError) in
            let (record, open, master) = state.withLock { ($0.fetches[name], $0.open[name], $0.masters[name]) }
            if master != nil { throw .alreadyRegistered(name) }
            guard let record else {
                throw StoreError(.notFound, "no fetch of \(name) is under way; begin one with `drover master fetch`")
            }
            if let open, !open.isPoisoned { return open }
            let image = try openPartial(name, record)
            try checkSpace(for: Self.bytes(missingIn: image.verified, image.metainfo), "fetching \(name)")
            state.withLock { $0.open[name] = image }
            return image
        }
    }

    /// Gives a fetch up and removes what it brought.
    /// - Throws: `.notFound` when there is none.
    package func abandon(_ name: MasterName) throws(StoreError) {
        try reserving(name) { () throws(StoreError) in
            let (isKnown, open) = state.withLock { ($0.fetches[name] != nil && $0.masters[name] == nil, $0.open[name]) }
            guard isKnown else { throw StoreError(.notFound, "no fetch of \(name) is under way") }
            open?.retire()
            state.withLock {
                $0.fetches[name] = nil
                $0.open[name] = nil
            }
            try removeFetch(name)
        }
    }

    /// Registered masters whose clones are still to be made, with the request that asked for them.
    package func unfinishedRequests() -> [(name: MasterName, request: FetchRequest)] {
        let (fetches, masters) = state.withLock { ($0.fetches, $0.masters) }
        return fetches.filter { masters[$0.key] != nil }.sorted { $0.key < $1.key }.map { ($0.key, $0.value.request) }
    }

    /// Forgets a request whose clones are made. One that is not there is no error.
    package func finishRequest(of name: MasterName) throws(StoreError) {
        try reserving(name) { () throws(StoreError) in
            let isDone = state.withLock { $0.masters[name] != nil && $0.fetches.removeValue(forKey: name) != nil }
            guard isDone else { return }
            try translating { () throws(FileError) in
                try files.remove(layout.fetchRecord(name))
                try files.syncDirectory(layout.partials)
            }
        }
    }

    /// Refuses a name that stands for other content, or for this one.
    func checkName(_ name: MasterName, for metainfo: Metainfo) throws(StoreError) {
        guard let record = state.withLock({ $0.masters[name] }) else {
            let stray = try translating { () throws(FileError) in try files.status(layout.masterImage(name)) }
            guard stray == nil else {
                throw StoreError(
                    .conflict, "\(layout.masterImage(name)) is in the way and has no usable record; move it away")
            }
            return
        }
        guard record.infoHashes == metainfo.infoHashes else { throw .otherContent(name) }
        guard record.badPieces == nil else {
            throw StoreError(
                .conflict, "\(name) is there but failed its verification; remove it with `drover master remove` first")
        }
        throw .alreadyRegistered(name)
    }

    /// Removes a fetch's files; the record goes first, so that a crash in between leaves only leftovers.
    func removeFetch(_ name: MasterName) throws(StoreError) {
        try translating { () throws(FileError) in
            try files.remove(layout.fetchRecord(name))
            try files.remove("\(layout.fetchRecord(name)).new")
            try files.syncDirectory(layout.partials)
            for path in [layout.partialImage(name), layout.journal(name), layout.partialTorrent(name)] {
                try files.remove(path)
                try files.remove("\(path).new")
            }
            try files.syncDirectory(layout.partials)
        }
    }

    /// Bytes that a fetch still has to write.
    private static func bytes(missingIn verified: Bitfield?, _ metainfo: Metainfo) -> Int64 {
        let present = verified ?? PartialImage.zeroPieces(metainfo)
        return metainfo.geometry.pieces.reduce(0) {
            present.contains($1) ? $0 : $0 + Int64(metainfo.geometry.length(of: $1))
        }
    }

    private func verifiedBytes(_ name: MasterName, _ metainfo: Metainfo) -> Int64 {
        guard let status = try? files.status(layout.partialImage(name)), status.size == metainfo.geometry.size,
            let journal = try? PieceJournal.open(layout.journal(name), for: metainfo, forWriting: false, files)
        else { return 0 }
        let geometry = metainfo.geometry
        var verified = PartialImage.zeroPieces(metainfo)
        for piece in journal.recorded.joined().compactMap(geometry.piece) { verified.insert(piece) }
        return geometry.size - Self.bytes(missingIn: verified, metainfo)
    }

    private func partialTorrent(_ name: MasterName) throws(StoreError) -> (metainfo: Metainfo, bytes: [UInt8]) {
        let bytes = try translating { () throws(FileError) in
            try files.contents(of: layout.partialTorrent(name), limit: TorrentFile.maximumByteCount)
        }
        do throws(MetainfoError) {
            return (try Metainfo(torrent: bytes), bytes)
        } catch {
            throw StoreError(
                .invalid, "the torrent kept for the fetch of \(name) is damaged (\(error)); begin the fetch again")
        }
    }

    private func openPartial(_ name: MasterName, _ record: FetchRecord) throws(StoreError) -> PartialImage {
        let (metainfo, torrent) = try partialTorrent(name)
        guard metainfo.infoHashes.v2?.hex == record.infoHash else {
            throw StoreError(.invalid, "the torrent kept for the fetch of \(name) is not its own; begin it again")
        }
        return try translating { () throws(FileError) in
            let path = layout.partialImage(name)
            var journal: PieceJournal?
            if let status = try files.status(path), status.size == metainfo.geometry.size {
                journal = try PieceJournal.open(layout.journal(name), for: metainfo, files)
                // A registration that was cut short may have made the image read-only.
                if status.mode & 0o200 == 0 { try files.setMode(path, 0o644) }
            }
            if journal == nil { try startOver(name, metainfo) }
            if let fragmented = journal, fragmented.isFragmented {
                do throws(FileError) {
                    try PieceJournal.create(
                        layout.journal(name), for: metainfo, recorded: fragmented.recorded, files)
                    journal = nil
                } catch {
                    // The old one serves as well.
                }
            }
            if journal == nil { journal = try PieceJournal.open(layout.journal(name), for: metainfo, files) }
            guard let journal else {
                throw FileError(
                    .io, operation: "read back", path: layout.journal(name), reason: "it is not what was written")
            }
            return PartialImage(
                name: name, metainfo: metainfo, torrent: torrent, request: record.request,
                file: try files.open(path, .update), journal: journal)
        }
    }

    /// Makes an empty image and then an empty journal. An older journal goes first, durably: it must never stand beside
    /// an image it does not speak of.
    private func startOver(_ name: MasterName, _ metainfo: Metainfo) throws(FileError) {
        try files.remove(layout.journal(name))
        try files.syncDirectory(layout.partials)
        try files.remove(layout.partialImage(name))
        let file = try files.open(layout.partialImage(name), .createNew)
        try file.truncate(to: metainfo.geometry.size)
        try file.sync()
        try files.syncDirectory(layout.partials)
        try PieceJournal.create(layout.journal(name), for: metainfo, files)
    }
}
