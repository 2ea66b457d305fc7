// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Swarm

/// An image of which only the hashes exist: the leaf of each block is the digest of the block's number.
struct ScriptedImage {
    let geometry: PieceGeometry
    let metainfo: Metainfo
    /// The whole tree, its leaves included.
    let allLayers: MerkleLayers
    private let leaves: [[SHA256Digest]]
    private let pieceLayers: MerkleLayers

    init(_ geometry: PieceGeometry) throws {
        self.geometry = geometry
        leaves = geometry.pieces.map { piece in
            (0..<geometry.blockCount(of: piece)).map { Self.leaf(piece, $0, isWrong: false) }
        }
        let hashes = leaves.map { MerkleTree.pieceHash(leaves: $0, geometry: geometry) }
        metainfo = try Metainfo(
            torrent: TorrentWriter(name: "fuzz@1.raw", geometry: geometry, pieceHashes: hashes).encoded)
        pieceLayers = MerkleLayers(metainfo)
        let width = geometry.leavesPerPieceTree * geometry.pieceCount.roundedUpToPowerOfTwo
        allLayers = MerkleLayers(lowest: Array(leaves.joined()), width: width)
    }

    /// What an honest peer answers to a request for hashes.
    func hashes(for range: MerkleRange) -> [SHA256Digest]? {
        range.hashes(
            geometry: geometry, pieceLayers: pieceLayers, leaves: range.piece.map { leaves[$0.number] } ?? [])
    }

    /// What a loan's blocks hash to.
    /// - Parameter wrong: the set of those that are not as they should be.
    func hashes(of loan: Loan, wrong: UInt64) -> LoanHashes {
        let extent = loan.extent
        let blocks = (0..<extent.blockCount).filter { loan.blocks & (1 << UInt64($0)) != 0 }
        return LoanHashes(
            blocks.map { Self.leaf(extent.piece, extent.firstBlock + $0, isWrong: wrong & (1 << UInt64($0)) != 0) },
            of: loan, geometry: geometry)
    }

    private static func leaf(_ piece: PieceIndex, _ block: Int, isWrong: Bool) -> SHA256Digest {
        SHA256Digest(hashing: [UInt8(piece.number), UInt8(truncatingIfNeeded: block), isWrong ? 1 : 0])
    }
}
