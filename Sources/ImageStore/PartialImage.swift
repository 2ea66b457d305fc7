// SPDX-License-Identifier: Apache-2.0

package import Metainfo

import FileLayer
import Synchronization

/// An image that is being fetched. Bytes are written as they are verified in memory; a piece counts as verified here
/// once both its bytes and the journal record that says so are on disk. All calls block and are safe from any thread.
package final class PartialImage: Sendable {
    private struct Progress {
        var verified: Bitfield
        var verifiedBytes: Int64
        /// Why nothing more may be written, once that is so.
        var refusal: StoreError?
        var request: FetchRequest
    }

    package let name: MasterName
    package let metainfo: Metainfo
    /// The numbers of the pieces that hold only zeros: verified from the start, never written.
    package let zeroPieces: Bitfield
    /// What was in the torrent, to the byte.
    let torrent: [UInt8]
    let file: any OpenFile
    private let journal: Mutex<PieceJournal>
    private let progress: Mutex<Progress>

    init(
        name: MasterName, metainfo: Metainfo, torrent: [UInt8], request: FetchRequest, file: any OpenFile,
        journal: PieceJournal
    ) {
        self.name = name
        self.metainfo = metainfo
        self.torrent = torrent
        self.file = file
        zeroPieces = Self.zeroPieces(metainfo)
        var verified = zeroPieces
        for number in journal.recorded.joined() {
            if let piece = metainfo.geometry.piece(number) { verified.insert(piece) }
        }
        var bytes: Int64 = 0
        verified.forEach { bytes += metainfo.geometry.piece($0).map { Int64(metainfo.geometry.length(of: $0)) } ?? 0 }
        self.journal = Mutex(journal)
        progress = Mutex(Progress(verified: verified, verifiedBytes: bytes, request: request))
    }

    static func zeroPieces(_ metainfo: Metainfo) -> Bitfield {
        let zeros = ZeroPieces(metainfo.geometry)
        var set = Bitfield(pieceCount: metainfo.geometry.pieceCount)
        for piece in metainfo.geometry.pieces where zeros.contains(piece, hash: metainfo.hash(of: piece)) {
            set.insert(piece)
        }
        return set
    }

    /// What was asked for; a second request for the same content may add to it.
    package var request: FetchRequest { progress.withLock { $0.request } }
    /// The pieces that are verified and on disk, as they are now.
    package var verified: Bitfield { progress.withLock { $0.verified } }
    /// Bytes in the verified pieces.
    package var verifiedBytes: Int64 { progress.withLock { $0.verifiedBytes } }
    package var isComplete: Bool { progress.withLock { $0.verified.isFull } }
    /// Whether a failed sync has made this object refuse to write; ``ImageStore/resume(_:)`` gives a new one.
    package var isPoisoned: Bool { progress.withLock { $0.refusal?.kind == .poisoned } }

    package func isVerified(_ piece: PieceIndex) -> Bool { progress.withLock { $0.verified.contains(piece) } }

    /// Writes bytes whose hashes were checked. Where they touch pieces that are recorded already, those are left as
    /// they are: nothing overwrites what was declared good.
    /// - Parameter offset: the place in the image; the bytes must lie inside it.
    /// - Throws: ``StoreError`` of kind `.noSpace`, `.poisoned`, `.invalid` or another failure of the file system.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(StoreError) {
        let geometry = metainfo.geometry
        guard offset >= 0, Int64(bytes.count) <= geometry.size, offset <= geometry.size - Int64(bytes.count) else {
            throw StoreError(.invalid, "\(bytes.count) bytes at \(offset) do not lie inside \(name); this is a bug")
        }
        guard !bytes.isEmpty else { return }
        let (verified, refusal) = progress.withLock { ($0.verified, $0.refusal) }
        if let refusal { throw refusal }
        var start = offset
        let end = offset + Int64(bytes.count)
        while start < end {
            guard let piece = geometry.piece(Int(start / Int64(geometry.pieceLength))) else { return }
            let isKept = verified.contains(piece)
            var stop = geometry.offset(of: piece) + Int64(geometry.length(of: piece))
            while stop < end, let next = geometry.piece(Int(stop / Int64(geometry.pieceLength))),
                verified.contains(next) == isKept
            {
                stop += Int64(geometry.length(of: next))
            }
            stop = min(stop, end)
            if !isKept {
                let part = UnsafeRawBufferPointer(rebasing: bytes[Int(start - offset)..<Int(stop - offset)])
                try translating { () throws(FileError) in try file.write(part, at: start) }
            }
            start = stop
        }
    }

    /// Reads what is on disk at `offset`; only bytes of verified pieces mean anything.
    /// - Returns: the number of bytes read; fewer than asked for only at the image's end.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(StoreError) -> Int {
        try translating { () throws(FileError) in try file.read(into: buffer, at: offset) }
    }

    /// The same for bytes that are in memory, without waiting for a disk.
    /// - Returns: whether all of them were.
    package func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool {
        file.readCached(into: buffer, at: offset)
    }

    /// Another descriptor of the image's file, from which the kernel is to send what is verified. The caller closes it.
    package func duplicate() -> Int32? { file.duplicate() }

    /// Makes pieces count as verified: syncs their bytes, appends journal records, syncs the journal. All bytes of the
    /// pieces must have been written through this object before.
    /// - Throws: ``StoreError``; none of the pieces is then recorded. After a failed sync the kind is `.poisoned`, since
    ///   the kernel has dropped the bytes and a second sync would only pretend: everything not recorded has to be
    ///   fetched again through ``ImageStore/resume(_:)``.
    package func recordVerified(_ pieces: [PieceIndex]) throws(StoreError) {
        try journal.withLock { journal throws(StoreError) in
            let (verified, refusal) = progress.withLock { ($0.verified, $0.refusal) }
            if let refusal { throw refusal }
            let fresh = Set(pieces).filter { !verified.contains($0) && $0.number < metainfo.geometry.pieceCount }
            guard !fresh.isEmpty else { return }
            do throws(FileError) {
                try file.syncData()
                try journal.append(PieceJournal.runs(fresh.map(\.number)))
            } catch {
                throw poison(error)
            }
            progress.withLock { progress in
                for piece in fresh where progress.verified.insert(piece) {
                    progress.verifiedBytes += Int64(metainfo.geometry.length(of: piece))
                }
            }
        }
    }

    func take(_ request: FetchRequest) { progress.withLock { $0.request = request } }

    /// Lets nothing more be written, and makes sure that all is there.
    func seal() throws(StoreError) {
        try progress.withLock { progress throws(StoreError) in
            if let refusal = progress.refusal { throw refusal }
            guard progress.verified.isFull else {
                let missing = metainfo.geometry.pieceCount - progress.verified.count
                throw StoreError(.conflict, "\(name) still lacks \(missing) pieces; wait until the fetch is complete")
            }
            progress.refusal = StoreError(.conflict, "\(name) is complete and takes no more writes")
        }
    }

    /// Takes back ``seal()`` after a registration that failed before the image moved.
    func unseal() {
        progress.withLock { if $0.refusal?.kind == .conflict { $0.refusal = nil } }
    }

    /// Refuses all further writes because the fetch was given up.
    func retire() {
        progress.withLock { $0.refusal = StoreError(.conflict, "the fetch of \(name) was abandoned") }
    }

    /// Refuses all further writes, since a sync failed.
    func poison(_ error: FileError) -> StoreError {
        let refusal = StoreError(
            .poisoned,
            "what was last written of \(name) did not reach the disk (\(error)); check the disk and the system log, "
                + "then resume the fetch")
        progress.withLock { if $0.refusal?.kind != .conflict { $0.refusal = refusal } }
        return refusal
    }
}
