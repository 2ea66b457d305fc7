// SPDX-License-Identifier: Apache-2.0

/// Recognises pieces that hold only zeros by their hash, so that they are neither requested, sent nor written.
package struct ZeroPieces: Sendable {
    private let fullPiece: SHA256Digest
    private let lastPiece: SHA256Digest
    private let lastNumber: Int

    /// Computes the two hashes an all-zero piece of this geometry can have: a full one's and the last one's.
    package init(_ geometry: PieceGeometry) {
        let zeros = [UInt8](repeating: 0, count: PieceGeometry.blockLength)
        let leaf = SHA256Digest(hashing: zeros)
        lastNumber = geometry.pieceCount - 1
        fullPiece = MerkleTree.root(
            of: repeatElement(leaf, count: geometry.blocksPerPiece), width: geometry.blocksPerPiece)
        guard let last = geometry.piece(lastNumber) else {
            lastPiece = fullPiece
            return
        }
        let count = geometry.blockCount(of: last)
        var leaves = Array(repeating: leaf, count: count)
        let tail = geometry.length(ofBlock: count - 1, in: last)
        // checked: a piece has a block, and no block is longer than a block.
        leaves[count - 1] = zeros.withUnsafeBytes {
            SHA256Digest(hashing: UnsafeRawBufferPointer(rebasing: $0[..<tail]))
        }
        lastPiece = MerkleTree.pieceHash(leaves: leaves, geometry: geometry)
    }

    /// Whether a piece with this hash holds nothing but zeros.
    package func contains(_ piece: PieceIndex, hash: SHA256Digest) -> Bool {
        hash == (piece.number == lastNumber ? lastPiece : fullPiece)
    }
}
