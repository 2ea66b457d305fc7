// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm

/// An image that exists only as the hashes of its blocks: each leaf is the digest of a seed and the block's number. The
/// metainfo is real, so what peers verify is real, but no byte of the image is ever made.
struct SimulatedImage {
    let metainfo: Metainfo
    private let seed: UInt64
    /// The right hashes of every extent, by piece.
    private let right: [[LoanHashes]]
    private let pieceLayers: MerkleLayers

    var geometry: PieceGeometry { metainfo.geometry }

    /// - Throws: ``MetainfoError`` when the geometry cannot be a torrent's.
    init(geometry: PieceGeometry, seed: UInt64) throws(MetainfoError) {
        self.seed = seed
        let right: [[LoanHashes]] = geometry.pieces.map { piece in
            geometry.extents(of: piece).map { extent in
                let loan = Loan(extent)
                let leaves = Self.leaves(of: loan, geometry: geometry, seed: seed, wrong: 0)
                return LoanHashes(leaves, of: loan, geometry: geometry)
            }
        }
        self.right = right
        let hashes = right.map { geometry.pieceHash(extentRoots: $0.compactMap(\.root)) }
        metainfo = try Metainfo(
            torrent: TorrentWriter(name: "simulated@1.raw", geometry: geometry, pieceHashes: hashes).encoded)
        pieceLayers = MerkleLayers(metainfo)
    }

    /// What blocks hash to as they were received.
    /// - Parameter wrong: the blocks that are not what they should be, as bits.
    func hashes(of loan: Loan, wrong: UInt64) -> LoanHashes {
        guard wrong != 0 || !loan.isWhole else { return right[loan.extent.piece.number][loan.extent.number] }
        return LoanHashes(
            Self.leaves(of: loan, geometry: geometry, seed: seed, wrong: wrong), of: loan, geometry: geometry)
    }

    /// The true answer to a hash request.
    func hashes(for request: HashRequest) -> [SHA256Digest]? {
        guard let range = request.range(in: geometry) else { return nil }
        let leaves = range.piece.map { right[$0.number].flatMap(\.leaves) } ?? []
        return range.hashes(geometry: geometry, pieceLayers: pieceLayers, leaves: leaves)
    }

    private static func leaves(
        of loan: Loan, geometry: PieceGeometry, seed: UInt64, wrong: UInt64
    ) -> [SHA256Digest] {
        let extent = loan.extent
        let first = extent.piece.number * geometry.blocksPerPiece + extent.firstBlock
        return (0..<extent.blockCount).filter { loan.blocks & (1 << UInt64($0)) != 0 }.map { block in
            let isWrong = wrong & (1 << UInt64(block)) != 0
            var random = SeededRandom(seed: seed &+ UInt64(first + block) &* 2 &+ (isWrong ? 1 : 0))
            var bytes: [UInt8] = []
            for _ in 0..<4 { withUnsafeBytes(of: random.next()) { bytes += $0 } }
            return SHA256Digest(hashing: bytes)
        }
    }
}
