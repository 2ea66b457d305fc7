// SPDX-License-Identifier: Apache-2.0

package import Metainfo
package import PeerProtocol

/// A piece layer that is put together from peers' answers, each part proven by itself (BEP 52).
package struct LayerInquiry: Sendable {
    /// The most hashes asked for at once, as BEP 52 has it.
    private static let longestRun = 512

    private let geometry: PieceGeometry
    private let piecesRoot: SHA256Digest
    /// The proven hashes from the left.
    private var proven: [SHA256Digest] = []

    package init(_ missing: MissingPieceLayer) {
        geometry = missing.geometry
        piecesRoot = missing.piecesRoot
    }

    /// The hash of each piece, once all are proven.
    package var layer: [SHA256Digest]? { proven.count == geometry.pieceCount ? proven : nil }

    /// How many of the pieces' hashes are proven.
    package var provenCount: Int { proven.count }

    /// What to ask for next; `nil` when the layer is complete.
    package var next: HashRequest? {
        let width = geometry.pieceCount.roundedUpToPowerOfTwo
        let run = min(width, Self.longestRun)
        guard layer == nil, let index = UInt32(exactly: proven.count) else { return nil }
        let height = geometry.treeHeight - geometry.pieceTreeHeight
        return HashRequest(
            piecesRoot: piecesRoot, baseLayer: UInt32(geometry.pieceTreeHeight), index: index, length: UInt32(run),
            proofLayers: run == width ? 0 : UInt32(height - 1))
    }

    /// Takes the answer to ``next``.
    /// - Returns: whether it is proven; if not, nothing changes.
    package mutating func take(_ hashes: [SHA256Digest]) -> Bool {
        guard let request = next, let range = request.range(in: geometry),
            hashes.count == range.count + range.uncleCount
        else { return false }
        var position = range.first / range.count
        var node = MerkleTree.root(of: hashes.prefix(range.count), width: range.count)
        for uncle in hashes.dropFirst(range.count) {
            node = position % 2 == 0 ? MerkleTree.parent(node, uncle) : MerkleTree.parent(uncle, node)
            position /= 2
        }
        guard node == piecesRoot else { return false }
        proven += hashes.prefix(min(range.count, geometry.pieceCount - proven.count))
        return true
    }
}
