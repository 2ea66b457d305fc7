// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm

extension FuzzTarget {
    /// A hash request that the image's tree has is answered with hashes that lead to the root, whatever its numbers.
    static let hashes = FuzzTarget("hashes", maximumLength: 32) { bytes in
        var script = Script(bytes)
        let pieceLength = PieceGeometry.blockLength << script.number(below: 4)
        let blocks = Int64(script.number(below: 48))
        let size = blocks * Int64(PieceGeometry.blockLength) + 1 + Int64(script.byte())
        let geometry = try unwrap(PieceGeometry(size: size, pieceLength: pieceLength), "no such geometry")
        let request = HashRequest(
            piecesRoot: .zero, baseLayer: script.integer(), index: script.integer(), length: script.integer(),
            proofLayers: script.integer())
        guard let range = request.range(in: geometry) else { return }
        let image = try ScriptedImage(geometry)
        let hashes = try unwrap(image.hashes(for: range), "a range that exists has no hashes")
        try expectEqual(hashes.count, range.count + range.uncleCount, "number of hashes")
        // From the nodes upwards with the uncles, the rest of the way is the tree's own.
        var node = MerkleTree.root(of: hashes.prefix(range.count), width: range.count)
        var position = range.first / range.count
        for uncle in hashes.dropFirst(range.count) {
            node = position % 2 == 0 ? MerkleTree.parent(node, uncle) : MerkleTree.parent(uncle, node)
            position /= 2
        }
        let height = range.layer + range.count.trailingZeroBitCount + range.uncleCount
        try expectEqual(image.allLayers.node(height: height, position: position), node, "where the proof leads")
    }
}
