// SPDX-License-Identifier: Apache-2.0

/// Nodes side by side in one layer of an image's tree, and the uncles that lead from them upwards: what a hash request
/// asks for, once it is known to exist (BEP 52).
package struct MerkleRange: Equatable, Sendable {
    /// The layer, counted from the leaves.
    package let layer: Int
    /// The first node's position in its layer.
    package let first: Int
    /// How many nodes; a power of two from 2 up.
    package let count: Int
    /// How many uncles follow them, from the lowest upwards.
    package let uncleCount: Int
    /// The piece whose leaves are needed to answer; `nil` where the piece hashes suffice.
    package let piece: PieceIndex?

    /// The most nodes that may be asked for at once, uncles not counted; what libtorrent accepts as well.
    package static let maximumCount = 8192

    /// Checks what a peer asks for. The numbers may be any.
    /// - Parameter proofLayers: how many layers above `layer` are to be provable. Those that can be computed from the
    ///   nodes themselves add no uncles.
    /// - Returns: `nil` when the tree has no such nodes, when they are too many or misaligned, or when they lie below
    ///   the piece layer and not all in one piece.
    package init?(geometry: PieceGeometry, layer: UInt32, first: UInt32, count: UInt32, proofLayers: UInt32) {
        let height = geometry.treeHeight
        // checked: what is divided by is more than 1, and nothing here exceeds 33 bits.
        guard let layer = Int(exactly: layer), layer < height, count > 1, count.nonzeroBitCount == 1,
            let count = Int(exactly: count), count <= Self.maximumCount,
            let first = Int(exactly: first), first % count == 0, first + count <= 1 << (height - layer),
            let proofLayers = Int(exactly: proofLayers), proofLayers < height - layer
        else { return nil }
        self.layer = layer
        self.first = first
        self.count = count
        uncleCount = max(0, proofLayers - (count.trailingZeroBitCount - 1))
        guard layer < geometry.pieceTreeHeight else {
            piece = nil
            return
        }
        let nodesPerPiece = 1 << (geometry.pieceTreeHeight - layer)
        // checked: a power of two.
        guard count <= nodesPerPiece, let piece = geometry.piece(first / nodesPerPiece) else { return nil }
        self.piece = piece
    }

    /// The nodes and then the uncles.
    /// - Parameters:
    ///   - pieceLayers: the tree above the pieces.
    ///   - leaves: the leaves of ``piece``, where that is not `nil`.
    package func hashes(
        geometry: PieceGeometry, pieceLayers: MerkleLayers, leaves: [SHA256Digest]
    ) -> [SHA256Digest]? {
        let below = piece.map { piece in
            (number: piece.number, layers: MerkleLayers(lowest: leaves, width: geometry.leavesPerPieceTree))
        }
        func node(_ layer: Int, _ position: Int) -> SHA256Digest? {
            guard layer < geometry.pieceTreeHeight else {
                return pieceLayers.node(height: layer - geometry.pieceTreeHeight, position: position)
            }
            guard let below else { return nil }
            let start = below.number << (geometry.pieceTreeHeight - layer)
            return below.layers.node(height: layer, position: position - start)
        }
        var hashes: [SHA256Digest] = []
        hashes.reserveCapacity(count + uncleCount)
        // checked: a range has at least two nodes, all inside their layer.
        for position in first..<first + count {
            guard let hash = node(layer, position) else { return nil }
            hashes.append(hash)
        }
        // checked: a range has at least two nodes.
        var (top, position) = (layer + count.trailingZeroBitCount, first / count)
        for _ in 0..<uncleCount {
            guard let uncle = node(top, position ^ 1) else { return nil }
            hashes.append(uncle)
            (top, position) = (top + 1, position / 2)
        }
        return hashes
    }
}
