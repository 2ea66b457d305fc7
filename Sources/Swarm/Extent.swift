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
    package var blockCount: Int { (length - 1) / PieceGeometry.blockLength + 1 }
    /// The number of the first block in its piece.
    package var firstBlock: Int { number * Self.maximumBlockCount }

    /// The extent's first byte in the image.
    package func offset(in geometry: PieceGeometry) -> Int64 { geometry.offset(of: piece) + Int64(begin) }

    /// The request for one of the extent's blocks, counted from the extent's first.
    package func request(block: Int) -> BlockRequestRange {
        let start = block * PieceGeometry.blockLength
        return BlockRequestRange(begin: begin + start, length: min(PieceGeometry.blockLength, length - start))
    }
}

/// Where a block lies inside its piece, in bytes.
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
