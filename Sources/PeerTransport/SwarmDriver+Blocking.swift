// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import NIOPosix
import PeerProtocol
import Swarm
import Synchronization

/// The work that blocks: hashing, writing and reading, each on a thread of the pool with room from a bounded pool.
extension SwarmDriver {
    /// Bytes that are hashed and then written while a core's second-level cache still has them: a whole number of blocks.
    private static let stepLength = 256 * 1024

    /// Hashes and writes what a filled extent's room holds of the loan. The room goes back to the pool in any case.
    func store(_ loan: Loan, room: PooledBuffer, by id: Swarm.ConnectionID) {
        let geometry = metainfo.geometry
        let pool = network.resources.extents
        guard work.begin() else { return pool.giveBack(room) }
        network.resources.threads.submit { [image, loop, work, meter = network.resources.meter] _ in
            room.bytes.moveWriterIndex(to: loan.extent.length)
            let offset = loan.extent.offset(in: geometry)
            let result: Result<LoanHashes, any Error> = room.bytes.withUnsafeReadableBytes { bytes in
                Result {
                    var leaves: [SHA256Digest] = []
                    for range in loan.byteRanges {
                        for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.stepLength) {
                            // checked: the step ends inside the range.
                            let end = min(start + Self.stepLength, range.upperBound)
                            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                            leaves += meter.time(.hashing) { MerkleTree.leaves(of: part) }
                            try meter.time(.writing) { try image.write(part, at: offset + Int64(start)) }
                        }
                    }
                    return LoanHashes(leaves, of: loan, geometry: geometry)
                }
            }
            pool.giveBack(room)
            loop.execute { self.stored(loan, result, by: id) }
            work.end()
        }
    }

    /// Where consecutive blocks begin in the image, and how many bytes they are together.
    private func place(of run: [BlockRequest]) -> (offset: Int64, length: Int)? {
        guard let first = run.first, let piece = metainfo.geometry.piece(Int(first.piece)) else { return nil }
        let offset = metainfo.geometry.offset(of: piece) + Int64(first.begin)
        return (offset, run.reduce(0) { $0 + Int($1.length) })
    }

    /// Reads consecutive blocks and passes them on, or `nil` when that failed.
    func read(_ run: [BlockRequest], _ done: @escaping @Sendable (PooledBuffer?) -> Void) {
        guard let (offset, length) = place(of: run) else { return done(nil) }
        // Behind the image's end there are zeros, for peers that ask for whole blocks only.
        let real = Int(min(Int64(length), max(0, metainfo.geometry.size - offset)))
        // What is in memory takes no thread, whose waking costs more than the reading.
        if real == length, let room = readCached(length, at: offset) { return done(room) }
        onThread { [image, meter = network.resources.meter] room in
            let count = try? meter.time(.reading) {
                try Self.read(image, real: real, of: length, at: offset, into: &room.bytes)
            }
            return count == length ? () : nil
        } done: { result in
            done(result?.room)
        }
    }

    /// Bytes of which the first is looked at to tell whether they are in memory: what the kernel reads ahead at once by default.
    private static let probeLength = 128 * 1024

    /// Where consecutive blocks begin in the image, if all of them are in memory, as far as a look at some of their bytes tells.
    func cachedOffset(of run: [BlockRequest]) -> Int64? {
        guard let (start, length) = place(of: run) else { return nil }
        let end = start + Int64(length)
        // Behind the image's end there are zeros, which are in no file.
        guard end <= metainfo.geometry.size, work.begin() else { return nil }
        defer { work.end() }
        var byte: UInt8 = 0
        let isCached = withUnsafeMutableBytes(of: &byte) { byte in
            stride(from: start, to: end, by: Self.probeLength).allSatisfy { image.readCached(into: byte, at: $0) }
                && image.readCached(into: byte, at: end - 1)
        }
        return isCached ? start : nil
    }

    /// Reads what is in memory; `nil` when it is not, or there is no room.
    private func readCached(_ length: Int, at offset: Int64) -> PooledBuffer? {
        let pool = network.resources.reads
        guard let room = pool.take() else { return nil }
        guard work.begin() else {
            pool.giveBack(room)
            return nil
        }
        let count = network.resources.meter.time(.reading) {
            room.bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { bytes in
                let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<length])
                return image.readCached(into: part, at: offset) ? length : 0
            }
        }
        work.end()
        if count == length { return room }
        pool.giveBack(room)
        return nil
    }

    /// - Parameters:
    ///   - real: bytes that the image has.
    ///   - length: bytes that are wanted; the others are zeros.
    private static func read(
        _ image: any ImageBytes, real: Int, of length: Int, at offset: Int64, into bytes: inout ByteBuffer
    ) throws -> Int {
        try bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { bytes in
            let count = try image.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<real]), at: offset)
            guard count == real else { return count }
            UnsafeMutableRawBufferPointer(rebasing: bytes[real..<length]).initializeMemory(as: UInt8.self, repeating: 0)
            return length
        }
    }

    /// Puts the answer to a hash request together, or passes `nil` on when that failed or the piece on disk is not what
    /// it was: wrong hashes would make this peer a liar.
    func hashes(for request: HashRequest, _ done: @escaping @Sendable ([SHA256Digest]?) -> Void) {
        let metainfo = metainfo
        guard let range = request.range(in: metainfo.geometry) else { return done(nil) }
        onThread { [self] room -> [SHA256Digest]? in
            var leaves: [SHA256Digest] = []
            if let piece = range.piece {
                guard let read = try? self.leaves(of: piece, using: &room.bytes),
                    MerkleTree.pieceHash(leaves: read, geometry: metainfo.geometry) == metainfo.hash(of: piece)
                else { return nil }
                leaves = read
            }
            let layers = pieceLayers.withLock { layers in
                let made = layers ?? MerkleLayers(metainfo)
                layers = made
                return made
            }
            return range.hashes(geometry: metainfo.geometry, pieceLayers: layers, leaves: leaves)
        } done: { [pool = network.resources.reads] result in
            if let result { pool.giveBack(result.room) }
            done(result?.value)
        }
    }

    /// Reads a piece bit by bit and hashes its blocks.
    private func leaves(of piece: PieceIndex, using room: inout ByteBuffer) throws -> [SHA256Digest] {
        let geometry = metainfo.geometry
        let (start, length) = (geometry.offset(of: piece), geometry.length(of: piece))
        var leaves: [SHA256Digest] = []
        leaves.reserveCapacity(geometry.blockCount(of: piece))
        // The room is a whole number of blocks long.
        let step = max(room.capacity / PieceGeometry.blockLength, 1) * PieceGeometry.blockLength
        for begin in stride(from: 0, to: length, by: step) {
            let count = min(step, length - begin)
            room.clear()
            try room.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
                let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
                let read = try image.read(into: part, at: start + Int64(begin))
                leaves += MerkleTree.leaves(of: UnsafeRawBufferPointer(rebasing: part[..<read]))
                return read
            }
        }
        return leaves
    }

    /// Runs `body` on a thread with room for reading, once there is some, and passes both on. When there is no value, the
    /// room goes back and `done` gets `nil`.
    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable (PooledBuffer) -> Value?,
        done: @escaping @Sendable ((room: PooledBuffer, value: Value)?) -> Void
    ) {
        let pool = network.resources.reads
        pool.take { [threads = network.resources.threads, work] room in
            guard work.begin() else {
                pool.giveBack(room)
                return done(nil)
            }
            threads.submit { _ in
                let value = body(room)
                work.end()
                guard let value else {
                    pool.giveBack(room)
                    return done(nil)
                }
                done((room, value))
            }
        }
    }
}
