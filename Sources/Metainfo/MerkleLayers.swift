// SPDX-License-Identifier: Apache-2.0

/// The nodes of a merkle tree from one of its layers up to its root, so that any of them can be given to a peer that
/// asks (BEP 52). It holds about twice as many hashes as its lowest layer.
package struct MerkleLayers: Sendable {
    /// The known nodes of each layer from the left, the lowest layer first.
    private let layers: [[SHA256Digest]]
    /// What stands in each layer for the nodes behind the known ones.
    private let paddings: [SHA256Digest]

    /// - Parameters:
    ///   - lowest: the known nodes of the lowest layer from the left; at least 1 and at most `width`.
    ///   - width: that layer's full width; a power of two.
    ///   - padding: what stands in it for the missing nodes; leaves pad with ``SHA256Digest/zero``.
    package init(lowest: [SHA256Digest], width: Int, padding: SHA256Digest = .zero) {
        var layers = [lowest]
        var paddings = [padding]
        var (layer, padding, width) = (lowest, padding, width)
        while width > 1 {
            // checked: the stride ends within the layer, and the second of a pair is looked for.
            layer = stride(from: 0, to: layer.count, by: 2).map { index in
                MerkleTree.parent(layer[index], index + 1 < layer.count ? layer[index + 1] : padding)
            }
            padding = MerkleTree.parent(padding, padding)
            width /= 2
            layers.append(layer)
            paddings.append(padding)
        }
        self.layers = layers
        self.paddings = paddings
    }

    /// The nodes of the tree above an image's pieces; its lowest layer is the piece layer.
    package init(_ metainfo: Metainfo) {
        let geometry = metainfo.geometry
        self.init(
            lowest: metainfo.pieceHashes, width: geometry.pieceCount.roundedUpToPowerOfTwo,
            padding: MerkleTree.paddingRoot(height: geometry.pieceTreeHeight))
    }

    /// The tree's root.
    package var root: SHA256Digest { layers.last?.first ?? .zero }

    /// One node; `nil` where the tree has none.
    /// - Parameters:
    ///   - height: layers above the lowest.
    ///   - position: counted from the left, padding included.
    package func node(height: Int, position: Int) -> SHA256Digest? {
        guard layers.indices.contains(height), position >= 0, position < 1 << (layers.count - 1 - height) else {
            return nil
        }
        // checked: the guard above; there are as many paddings as layers.
        return position < layers[height].count ? layers[height][position] : paddings[height]
    }
}

extension PieceGeometry {
    /// How many layers the tree has above the leaves of one piece, up to the piece's own hash.
    package var pieceTreeHeight: Int { leavesPerPieceTree.trailingZeroBitCount }
    /// How many layers the image's tree has above its leaves.
    package var treeHeight: Int { pieceTreeHeight + pieceCount.roundedUpToPowerOfTwo.trailingZeroBitCount }
}
