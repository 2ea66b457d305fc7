// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TestSupport
import Testing

struct PieceGeometryTests {
    @Test(
        arguments: [
            (0, 16384), (-1, 16384), (1, 0), (1, -16384), (1, 8192), (1, 16385), (1, 3 << 14), (1, 512 << 20),
            ((1 << 35) + 1, 16384), (Int64.max, 256 << 20),
        ] as [(Int64, Int)])
    func `an impossible geometry is refused`(_ size: Int64, _ pieceLength: Int) {
        #expect(PieceGeometry(size: size, pieceLength: pieceLength) == nil)
    }

    @Test func `the most pieces are accepted`() throws {
        let geometry = try #require(PieceGeometry(size: 1 << 35, pieceLength: 16384))
        #expect(geometry.pieceCount == PieceGeometry.maximumPieceCount)
        let huge = try #require(PieceGeometry(size: Int64(256 << 20) << 21, pieceLength: 256 << 20))
        #expect(huge.pieceCount == PieceGeometry.maximumPieceCount)
        let last = try #require(huge.piece(huge.pieceCount - 1))
        #expect(huge.offset(of: last) + Int64(huge.length(of: last)) == huge.size)
    }

    @Test(arguments: UInt64(1)...200)
    func `pieces and blocks cover the image exactly`(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let pieceLength = 1 << Int.random(in: 14...20, using: &random)
        let size = Int64.random(in: 1...(6 << 20), using: &random)
        let geometry = try #require(PieceGeometry(size: size, pieceLength: pieceLength))
        var end: Int64 = 0
        var blocks: Int64 = 0
        for piece in geometry.pieces {
            #expect(geometry.offset(of: piece) == end)
            let length = geometry.length(of: piece)
            #expect(length > 0 && length <= pieceLength)
            #expect(piece.number == geometry.pieceCount - 1 || length == pieceLength)
            let lengths = (0..<geometry.blockCount(of: piece)).map { geometry.length(ofBlock: $0, in: piece) }
            #expect(lengths.reduce(0, +) == length && lengths.allSatisfy { $0 > 0 })
            #expect(geometry.length(ofBlock: lengths.count, in: piece) == 0)
            end += Int64(length)
            blocks += Int64(lengths.count)
            #expect(geometry.mayBeRequested(begin: 0, length: UInt32(length), in: piece))
            #expect(!geometry.mayBeRequested(begin: UInt32(length), length: 1, in: piece))
            #expect(!geometry.mayBeRequested(begin: 0, length: 0, in: piece))
            #expect(!geometry.mayBeRequested(begin: .max, length: .max, in: piece))
        }
        #expect(end == size && blocks == geometry.blockCount)
        #expect(geometry.piece(geometry.pieceCount) == nil && geometry.piece(-1) == nil)
        #expect(geometry.leavesPerPieceTree.nonzeroBitCount == 1)
    }

    @Test func `the piece length follows the size`() {
        let (kibi, gibi) = (1 << 10, Int64(1) << 30)
        #expect(PieceGeometry.preferredPieceLength(forSize: 1) == 64 * kibi)
        #expect(PieceGeometry.preferredPieceLength(forSize: gibi / 4) == 64 * kibi)
        #expect(PieceGeometry.preferredPieceLength(forSize: gibi / 4 + 1) == 256 * kibi)
        #expect(PieceGeometry.preferredPieceLength(forSize: gibi / 2 - 1) == 256 * kibi)
        #expect(PieceGeometry.preferredPieceLength(forSize: gibi / 2) == 512 * kibi)
        #expect(PieceGeometry.preferredPieceLength(forSize: 2 * gibi) == 512 * kibi)
        #expect(PieceGeometry.preferredPieceLength(forSize: 40 * gibi) == 8192 * kibi)
        #expect(PieceGeometry.preferredPieceLength(forSize: 500 * gibi) == 16384 * kibi)
    }

    @Test func `from half a gibibyte to 120 GiB there are about 1,000 to 8,000 pieces`() {
        for step in 0..<240 {
            let size = Int64(step + 1) << 29
            let count = (size - 1) / Int64(PieceGeometry.preferredPieceLength(forSize: size)) + 1
            #expect((1000...8001).contains(count), "\(size)")
        }
    }

    @Test func `the next power of two is right around each one`() {
        #expect([1, 2, 3, 4, 5, 8, 9].map(\.roundedUpToPowerOfTwo) == [1, 2, 4, 4, 8, 8, 16])
    }
}
