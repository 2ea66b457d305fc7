// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// A run of blocks inside one piece that is fetched from one peer, hashed together and written at once: 1 MiB, or the
/// piece where that is shorter.
package struct Extent: Hashable, Sendable {
    /// The most blocks in an extent; the sets of blocks below are words of that many bits.
    package static let maximumBlockCount = 64
    /// The longest extent in bytes.
    package static let maximumLength = maximumBlockCount * PieceGeometry.blockLength

    package let piece: PieceIndex
    /// The extent's place in its piece.
    package let number: Int
    /// Length in bytes; at least 1.
    package let length: Int

    /// The extent's first byte in its piece.
    package var begin: Int { number * Self.maximumLength }
    /// The number of blocks.
    package var blockCount: Int { (length - 1) / PieceGeometry.blockLength + 1 }  // checked: no extent is empty.
    /// The set of all its blocks.
    package var allBlocks: UInt64 {
        blockCount >= Self.maximumBlockCount ? .max : (1 << UInt64(blockCount)) - 1
    }
    /// The number of the first block in its piece.
    package var firstBlock: Int { number * Self.maximumBlockCount }

    /// The extent's first byte in the image.
    package func offset(in geometry: PieceGeometry) -> Int64 { geometry.offset(of: piece) + Int64(begin) }

    /// The request for some of the extent's blocks, counted from the extent's first.
    package func request(blocks: Range<Int>) -> BlockRequestRange {
        // checked: blocks of the extent begin inside it.
        let start = blocks.lowerBound * PieceGeometry.blockLength
        return BlockRequestRange(
            begin: begin + start, length: min(blocks.count * PieceGeometry.blockLength, length - start))
    }
}

/// Blocks of one extent that are on loan to a connection, or were brought by it: all of them, or those that were wrong
/// the first time.
package struct Loan: Hashable, Sendable {
    package let extent: Extent
    /// The set of the blocks, counted from the extent's first; never empty.
    package let blocks: UInt64

    /// - Parameter blocks: all of the extent's when `nil`.
    package init(_ extent: Extent, blocks: UInt64? = nil) {
        self.extent = extent
        self.blocks = blocks ?? extent.allBlocks
    }

    package var blockCount: Int { blocks.nonzeroBitCount }
    package var isWhole: Bool { blocks == extent.allBlocks }

    /// The loan's bytes inside the extent, as runs from the lowest upwards.
    package var byteRanges: [Range<Int>] {
        var ranges: [Range<Int>] = []
        for block in 0..<extent.blockCount where blocks & (1 << UInt64(block)) != 0 {
            let start = block * PieceGeometry.blockLength
            let end = min(start + PieceGeometry.blockLength, extent.length)
            if let last = ranges.last, last.upperBound == start {
                ranges[ranges.count - 1] = last.lowerBound..<end
            } else {
                ranges.append(start..<end)
            }
        }
        return ranges
    }

    /// Length of all of it in bytes.
    package var length: Int { byteRanges.reduce(0) { $0 + $1.count } }
}

/// What blocks that were brought and written hash to.
package struct LoanHashes: Equatable, Sendable {
    /// The blocks' leaves, in order.
    package let leaves: [SHA256Digest]
    /// The node above them, where they are all of their extent's.
    package let root: SHA256Digest?

    /// - Parameter leaves: one for each block of the loan, in order.
    package init(_ leaves: [SHA256Digest], of loan: Loan, geometry: PieceGeometry) {
        self.leaves = leaves
        root = loan.isWhole ? geometry.extentRoot(leaves: leaves) : nil
    }
}

/// Where consecutive blocks lie inside their piece, in bytes.
package struct BlockRequestRange: Equatable, Sendable {
    package let begin: Int
    package let length: Int
}

extension PieceGeometry {
    /// The number of extents of a piece.
    package func extentCount(of piece: PieceIndex) -> Int {
        (length(of: piece) - 1) / Extent.maximumLength + 1
    }

    /// The extents of a piece, in order.
    package func extents(of piece: PieceIndex) -> [Extent] {
        let length = length(of: piece)
        return (0..<extentCount(of: piece)).map { number in
            let begin = number * Extent.maximumLength
            // checked: each extent but the last is whole.
            return Extent(piece: piece, number: number, length: min(Extent.maximumLength, length - begin))
        }
    }

    /// The root over the leaves of one extent: a node of the piece's tree, or the piece's hash where it has one extent.
    package func extentRoot(leaves: [SHA256Digest]) -> SHA256Digest {
        MerkleTree.root(of: leaves, width: min(Extent.maximumBlockCount, leavesPerPieceTree))
    }

    /// A piece's hash from the roots of all its extents, in order.
    package func pieceHash(extentRoots: [SHA256Digest]) -> SHA256Digest {
        let leaves = min(Extent.maximumBlockCount, leavesPerPieceTree)
        return MerkleTree.root(
            of: extentRoots, width: leavesPerPieceTree / leaves,
            padding: MerkleTree.paddingRoot(height: leaves.trailingZeroBitCount))
    }
}
