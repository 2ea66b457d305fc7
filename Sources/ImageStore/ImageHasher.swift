// SPDX-License-Identifier: Apache-2.0

package import FileLayer
package import Metainfo

import Dispatch
import Glibc
import Synchronization

/// What hashing an image gives.
package struct ImageHashes: Equatable, Sendable {
    /// One per piece, in order (BEP 52).
    package let pieceHashes: [SHA256Digest]
    /// SHA-1 of every piece, concatenated, where it was asked for.
    package let v1Pieces: [UInt8]?

    package init(pieceHashes: [SHA256Digest], v1Pieces: [UInt8]?) {
        self.pieceHashes = pieceHashes
        self.v1Pieces = v1Pieces
    }
}

/// Hashes an image piece by piece on all cores. Holes are neither read nor hashed, blocks of zeros are recognised and
/// not hashed; each worker holds one extent, or one piece where version 1 hashes are wanted too.
package struct ImageHasher: Sendable {
    /// How much is read at once. It fits a core's second-level cache together with what hashing needs.
    static let readLength = 256 * 1024

    package var geometry: PieceGeometry
    /// Whether SHA-1 piece hashes are made as well, for a hybrid torrent.
    package var includesVersion1 = false
    /// At least 1; as many as the machine has cores unless set.
    package var workerCount = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    /// Told the number of bytes done, holes included; ascending, from any thread, never two at once.
    package var progress: @Sendable (Int64) -> Void = { _ in }
    /// Asked before each extent.
    package var isCancelled: @Sendable () -> Bool = { false }

    package init(_ geometry: PieceGeometry) { self.geometry = geometry }

    /// Hashes `source`, and in the same pass writes what is not zero to `target`.
    /// - Parameter target: of the image's size and all holes.
    /// - Throws: `.cancelled`; `.sourceChanged` when `source` ends early; `.noSpace` from the target.
    package func hash(
        _ source: any OpenFile, copyingTo target: (any OpenFile)? = nil
    ) throws(StoreError) -> ImageHashes {
        let run = HashRun(self, source, target)
        let workers = max(1, min(workerCount, geometry.pieceCount))
        if workers == 1 {
            run.work()
        } else {
            DispatchQueue.concurrentPerform(iterations: workers) { _ in run.work() }
        }
        return try run.result()
    }
}

/// One pass over one image, shared by its workers.
private final class HashRun: Sendable {
    private struct Outcome {
        var pieceHashes: [SHA256Digest]
        var v1Pieces: [UInt8]
        var bytesDone: Int64 = 0
        var failure: StoreError?
    }

    private let settings: ImageHasher
    private let source: any OpenFile
    private let target: (any OpenFile)?
    private let zeros: ZeroHashes
    private let next = Atomic(0)
    private let map: DataMap
    private let outcome: Mutex<Outcome>

    init(_ settings: ImageHasher, _ source: any OpenFile, _ target: (any OpenFile)?) {
        self.settings = settings
        self.source = source
        self.target = target
        zeros = ZeroHashes(settings.geometry)
        map = DataMap(source)
        let count = settings.geometry.pieceCount
        outcome = Mutex(
            Outcome(
                pieceHashes: Array(repeating: .zero, count: count),
                v1Pieces: settings.includesVersion1
                    ? Array(repeating: 0, count: count * SHA1Digest.byteCount) : []))
    }

    func result() throws(StoreError) -> ImageHashes {
        let outcome = outcome.withLock { $0 }
        if let failure = outcome.failure { throw failure }
        return ImageHashes(
            pieceHashes: outcome.pieceHashes, v1Pieces: settings.includesVersion1 ? outcome.v1Pieces : nil)
    }

    func work() {
        let geometry = settings.geometry
        let length =
            settings.includesVersion1
            ? geometry.pieceLength : min(geometry.pieceLength, ImageHasher.readLength)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 4096)
        defer { buffer.deallocate() }
        do throws(StoreError) {
            while let piece = geometry.piece(next.add(1, ordering: .relaxed).oldValue) {
                if outcome.withLock({ $0.failure != nil }) { return }
                let (hash, v1) = try hash(piece, buffer)
                outcome.withLock { outcome in
                    outcome.pieceHashes[piece.number] = hash
                    if let v1 {
                        let start = piece.number * SHA1Digest.byteCount
                        outcome.v1Pieces.replaceSubrange(start..<start + SHA1Digest.byteCount, with: v1.bytes)
                    }
                    outcome.bytesDone += Int64(geometry.length(of: piece))
                    settings.progress(outcome.bytesDone)
                }
            }
        } catch {
            outcome.withLock { if $0.failure == nil { $0.failure = error } }
        }
    }

    private func hash(
        _ piece: PieceIndex, _ buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> (SHA256Digest, SHA1Digest?) {
        let geometry = settings.geometry
        let start = geometry.offset(of: piece)
        let end = start + Int64(geometry.length(of: piece))
        var data = try nextData(from: start)
        let isHole = data.map { $0.lowerBound >= end } ?? true
        if isHole, !settings.includesVersion1 {
            if settings.isCancelled() { throw Self.cancelled }
            return (zeros.piece(piece), nil)
        }
        var leaves: [SHA256Digest] = []
        leaves.reserveCapacity(geometry.blocksPerPiece)
        var position = start
        while position < end {
            if settings.isCancelled() { throw Self.cancelled }
            let stop = min(position + Int64(ImageHasher.readLength), end)
            let count = Int(stop - position)
            // With version 1 the whole piece is kept, since SHA-1 runs over it in one go.
            let place = settings.includesVersion1 ? Int(position - start) : 0
            let extent = UnsafeMutableRawBufferPointer(rebasing: buffer[place..<place + count])
            if let run = data, run.upperBound <= position { data = try nextData(from: position) }
            if let run = data, run.lowerBound < stop {
                try read(extent, at: position)
                try hashBlocks(UnsafeRawBufferPointer(extent), at: position, into: &leaves)
            } else {
                if settings.includesVersion1 { extent.initializeMemory(as: UInt8.self, repeating: 0) }
                var rest = count
                while rest > 0 {
                    leaves.append(zeros.leaf(length: min(rest, PieceGeometry.blockLength)))
                    rest -= PieceGeometry.blockLength
                }
            }
            position = stop
        }
        let whole = UnsafeRawBufferPointer(rebasing: buffer[..<min(buffer.count, Int(end - start))])
        return (
            isHole ? zeros.piece(piece) : MerkleTree.pieceHash(leaves: leaves, geometry: geometry),
            settings.includesVersion1 ? SHA1Digest(hashing: whole) : nil
        )
    }

    /// Appends the leaves of an extent, and writes its runs of blocks that are not zero.
    private func hashBlocks(
        _ extent: UnsafeRawBufferPointer, at offset: Int64, into leaves: inout [SHA256Digest]
    ) throws(StoreError) {
        // Blocks side by side are hashed together.
        var run = 0..<0
        func end(_ run: Range<Int>) throws(StoreError) {
            leaves += MerkleTree.leaves(of: UnsafeRawBufferPointer(rebasing: extent[run]))
            try write(extent, run, at: offset)
        }
        for start in stride(from: 0, to: extent.count, by: PieceGeometry.blockLength) {
            let stop = min(start + PieceGeometry.blockLength, extent.count)
            let block = UnsafeRawBufferPointer(rebasing: extent[start..<stop])
            if block.isZero {
                try end(run)
                leaves.append(zeros.leaf(length: block.count))
                run = stop..<stop
            } else {
                run = run.lowerBound..<stop
            }
        }
        try end(run)
    }

    private func write(_ extent: UnsafeRawBufferPointer, _ range: Range<Int>, at offset: Int64) throws(StoreError) {
        guard let target, !range.isEmpty else { return }
        try translating { () throws(FileError) in
            try target.write(UnsafeRawBufferPointer(rebasing: extent[range]), at: offset + Int64(range.lowerBound))
        }
    }

    private func read(_ extent: UnsafeMutableRawBufferPointer, at offset: Int64) throws(StoreError) {
        let count = try translating { () throws(FileError) in try source.read(into: extent, at: offset) }
        guard count == extent.count else {
            throw StoreError(.sourceChanged, "the image became shorter while it was read; stop what writes to it")
        }
    }

    private func nextData(from offset: Int64) throws(StoreError) -> Range<Int64>? {
        try translating { () throws(FileError) in try map.nextData(from: offset) }
    }

    private static let cancelled = StoreError(.cancelled, "stopped as asked; nothing was kept")
}

/// Where a file has data, asked of the file system once per run: some (tmpfs) walk a run page by page to find its end.
private final class DataMap: Sendable {
    private struct Answer {
        var asked: Int64
        var run: Range<Int64>?
    }

    private let file: any OpenFile
    private let last = Mutex<Answer?>(nil)

    init(_ file: any OpenFile) { self.file = file }

    /// As ``OpenFile/nextData(from:)``.
    func nextData(from offset: Int64) throws(FileError) -> Range<Int64>? {
        try last.withLock { last throws(FileError) in
            if let last, last.asked <= offset {
                guard let run = last.run else { return nil }
                if offset < run.upperBound { return max(offset, run.lowerBound)..<run.upperBound }
            }
            let run = try file.nextData(from: offset)
            last = Answer(asked: offset, run: run)
            return run
        }
    }
}

/// The hashes of zeros that an image of one geometry can need.
private struct ZeroHashes: Sendable {
    private let block: SHA256Digest
    private let full: SHA256Digest
    private let last: SHA256Digest
    private let lastNumber: Int
    private let tail: SHA256Digest

    init(_ geometry: PieceGeometry) {
        let zeros = [UInt8](repeating: 0, count: PieceGeometry.blockLength)
        block = SHA256Digest(hashing: zeros)
        let blocks = repeatElement(block, count: geometry.blocksPerPiece)
        full = MerkleTree.root(of: blocks, width: geometry.blocksPerPiece)
        lastNumber = geometry.pieceCount - 1
        guard let piece = geometry.piece(lastNumber) else {
            (last, tail) = (full, block)
            return
        }
        let count = geometry.blockCount(of: piece)
        tail = SHA256Digest(hashing: Array(zeros.prefix(geometry.length(ofBlock: count - 1, in: piece))))
        last = MerkleTree.pieceHash(
            leaves: Array(repeating: block, count: count - 1) + [tail], geometry: geometry)
    }

    func piece(_ piece: PieceIndex) -> SHA256Digest { piece.number == lastNumber ? last : full }

    /// Only an image's last block is shorter than 16 KiB.
    func leaf(length: Int) -> SHA256Digest { length == PieceGeometry.blockLength ? block : tail }
}

extension UnsafeRawBufferPointer {
    /// Whether all bytes are zero: the first is, and each equals its neighbour.
    fileprivate var isZero: Bool {
        guard count > 0, let baseAddress, self[0] == 0 else { return isEmpty }
        return memcmp(baseAddress, baseAddress + 1, count - 1) == 0
    }
}
