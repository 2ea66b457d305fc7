// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing

/// Parts of the tree with their proofs, checked the way one who asked for them would.
@Suite struct MerkleRangeTests {
    /// An image of made-up leaves, with the layer of its pieces.
    private struct Tree {
        let geometry: PieceGeometry
        let leaves: [SHA256Digest]
        let pieceLayers: MerkleLayers

        init(size: Int64, pieceLength: Int) throws {
            let geometry = try #require(PieceGeometry(size: size, pieceLength: pieceLength))
            let leaves = (0..<Int(geometry.blockCount)).map { SHA256Digest(hashing: Array("leaf \($0)".utf8)) }
            self.geometry = geometry
            self.leaves = leaves
            let hashes: [SHA256Digest] = geometry.pieces.map { piece in
                let first = piece.number * geometry.blocksPerPiece
                return MerkleTree.pieceHash(
                    leaves: Array(leaves[first..<first + geometry.blockCount(of: piece)]), geometry: geometry)
            }
            pieceLayers = MerkleLayers(
                lowest: hashes, width: geometry.pieceCount.roundedUpToPowerOfTwo,
                padding: MerkleTree.paddingRoot(height: geometry.pieceTreeHeight))
        }

        func hashes(_ range: MerkleRange) -> [SHA256Digest]? {
            let leaves = range.piece.map { piece in
                let first = piece.number * geometry.blocksPerPiece
                return Array(self.leaves[first..<first + geometry.blockCount(of: piece)])
            }
            return range.hashes(geometry: geometry, pieceLayers: pieceLayers, leaves: leaves ?? [])
        }

        /// The node of the whole tree, worked out from nothing but the leaves.
        func node(_ layer: Int, _ position: Int) -> SHA256Digest {
            guard layer > 0 else { return position < leaves.count ? leaves[position] : .zero }
            return MerkleTree.parent(node(layer - 1, position * 2), node(layer - 1, position * 2 + 1))
        }
    }

    @Test(arguments: [
        (16384 * 11 + 5, 1 << 20), (16384 * 37, 65536), (16384 * 5, 16384), (16384 * 2, 32768), (16384 * 64, 262144),
    ])
    func `every run of every layer is what the leaves say, and its uncles prove it`(
        _ size: Int, _ pieceLength: Int
    ) throws {
        let tree = try Tree(size: Int64(size), pieceLength: pieceLength)
        let height = tree.geometry.treeHeight
        let root = tree.node(height, 0)
        var checked = 0
        for layer in 0..<height {
            for span in 1...(height - layer) {
                for first in stride(from: 0, to: 1 << (height - layer), by: 1 << span) {
                    for proof in 0..<(height - layer) {
                        guard
                            let range = MerkleRange(
                                geometry: tree.geometry, layer: UInt32(layer), first: UInt32(first),
                                count: UInt32(1 << span), proofLayers: UInt32(proof))
                        else { continue }
                        let hashes = try #require(tree.hashes(range))
                        #expect(hashes.count == 1 << span + range.uncleCount)
                        #expect(range.uncleCount == max(0, proof - (span - 1)))
                        for (place, hash) in hashes.prefix(1 << span).enumerated() {
                            try #require(hash == tree.node(layer, first + place))
                        }
                        guard proof == height - layer - 1 else { continue }
                        var position = first >> span
                        let top = hashes.dropFirst(1 << span).reduce(
                            MerkleTree.root(of: hashes.prefix(1 << span), width: 1 << span)
                        ) { node, uncle in
                            defer { position /= 2 }
                            return position % 2 == 0
                                ? MerkleTree.parent(node, uncle) : MerkleTree.parent(uncle, node)
                        }
                        #expect(top == root)
                        checked += 1
                    }
                }
            }
        }
        #expect(checked > 0)
    }

    @Test func `runs that do not exist, are misaligned or cross pieces below their layer are refused`() throws {
        let tree = try Tree(size: 16384 * 37, pieceLength: 65536)
        func range(_ layer: UInt32, _ first: UInt32, _ count: UInt32, _ proof: UInt32 = 0) -> MerkleRange? {
            MerkleRange(geometry: tree.geometry, layer: layer, first: first, count: count, proofLayers: proof)
        }
        #expect(range(0, 0, 4) != nil)
        #expect(range(0, 36, 4) != nil)
        #expect(range(2, 8, 8) != nil)
        for wrong in [
            range(0, 0, 8), range(0, 2, 4), range(0, 0, 1), range(0, 0, 0), range(0, 0, 3), range(0, 40, 4),
            range(2, 16, 2), range(2, 0, 32), range(6, 0, 2), range(0, 0, 4, 6), range(.max, .max, .max, .max),
            range(0, 0, 1 << 31),
        ] { #expect(wrong == nil) }
    }
}
