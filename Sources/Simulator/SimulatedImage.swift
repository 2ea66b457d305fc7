// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Swarm

/// An image that exists only as the hashes of its blocks: each leaf is the digest of a seed and the block's number. The
/// metainfo is real, so what peers verify is real, but no byte of the image is ever made.
struct SimulatedImage {
    let metainfo: Metainfo
    private let seed: UInt64
    /// The right root of every extent, by piece.
    private let roots: [[SHA256Digest]]

    var geometry: PieceGeometry { metainfo.geometry }

    /// - Throws: ``MetainfoError`` when the geometry cannot be a torrent's.
    init(geometry: PieceGeometry, seed: UInt64) throws(MetainfoError) {
        self.seed = seed
        var roots: [[SHA256Digest]] = []
        for piece in geometry.pieces {
            roots.append(
                geometry.extents(of: piece).map { extent in
                    geometry.extentRoot(leaves: Self.leaves(of: extent, geometry: geometry, seed: seed, wrong: 0))
                })
        }
        self.roots = roots
        let hashes = roots.map { geometry.pieceHash(extentRoots: $0) }
        metainfo = try Metainfo(
            torrent: TorrentWriter(name: "simulated@1.raw", geometry: geometry, pieceHashes: hashes).encoded)
    }

    /// The root over an extent's leaves as they were received.
    /// - Parameter wrong: the blocks that are not what they should be, as bits.
    func root(of extent: Extent, wrong: UInt64) -> SHA256Digest {
        guard wrong != 0 else { return roots[extent.piece.number][extent.number] }
        return geometry.extentRoot(
            leaves: Self.leaves(of: extent, geometry: geometry, seed: seed, wrong: wrong))
    }

    private static func leaves(
        of extent: Extent, geometry: PieceGeometry, seed: UInt64, wrong: UInt64
    ) -> [SHA256Digest] {
        let first = extent.piece.number * geometry.blocksPerPiece + extent.firstBlock
        return (0..<extent.blockCount).map { block in
            let isWrong = wrong & (1 << UInt64(block)) != 0
            var random = SeededRandom(seed: seed &+ UInt64(first + block) &* 2 &+ (isWrong ? 1 : 0))
            var bytes: [UInt8] = []
            for _ in 0..<4 { withUnsafeBytes(of: random.next()) { bytes += $0 } }
            return SHA256Digest(hashing: bytes)
        }
    }
}
