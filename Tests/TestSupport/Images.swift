// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// An image made up for a test: the same seed always gives the same bytes. About every third piece is all zeros, and
/// runs of zero blocks stand inside others, as in a real disk image.
package struct TestImage: Sendable {
    package let bytes: [UInt8]
    package let geometry: PieceGeometry

    /// - Parameters:
    ///   - size: in bytes; at least 1.
    ///   - pieceLength: a power of two of at least 16 KiB.
    ///   - zeros: whether there are runs of zeros at all.
    package init(size: Int, pieceLength: Int = PieceGeometry.blockLength, seed: UInt64 = 1, zeros: Bool = true) throws {
        guard let geometry = PieceGeometry(size: Int64(size), pieceLength: pieceLength) else {
            throw TestImageError.impossibleGeometry
        }
        self.geometry = geometry
        var random = SplitMix(state: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for piece in geometry.pieces {
            let length = geometry.length(of: piece)
            if zeros, piece.number % 3 == 2 {
                bytes.append(contentsOf: repeatElement(0, count: length))
                continue
            }
            for block in 0..<geometry.blockCount(of: piece) {
                let count = geometry.length(ofBlock: block, in: piece)
                if zeros, block % 4 == 3 {
                    bytes.append(contentsOf: repeatElement(0, count: count))
                } else {
                    bytes.append(contentsOf: random.bytes(count))
                }
            }
        }
        self.bytes = bytes
    }

    /// The bytes of one piece.
    package func bytes(of piece: PieceIndex) -> [UInt8] {
        let start = Int(geometry.offset(of: piece))
        return Array(bytes[start..<start + geometry.length(of: piece)])
    }

    /// The hash of each piece, computed the plain way.
    package var pieceHashes: [SHA256Digest] {
        geometry.pieces.map { piece in
            let leaves = bytes(of: piece).withUnsafeBytes { MerkleTree.leaves(of: $0) }
            return MerkleTree.pieceHash(leaves: leaves, geometry: geometry)
        }
    }

    /// The image's .torrent.
    package func torrent(
        name: String = "test@1.raw", hybrid: Bool = false, trackers: [String] = [], authority: String? = nil
    ) -> [UInt8] {
        let v1Pieces: [UInt8] = geometry.pieces.flatMap { SHA1Digest(hashing: bytes(of: $0)).bytes }
        return TorrentWriter(
            name: name, geometry: geometry, pieceHashes: pieceHashes, v1Pieces: hybrid ? v1Pieces : nil,
            trackers: trackers, authority: authority
        ).encoded
    }
}

package enum TestImageError: Error {
    case impossibleGeometry
}

/// A small generator whose sequence depends on the seed alone (SplitMix64).
package struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// Bytes of which the first is not zero.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (count + 7) / 8 * 8)
        bytes.withUnsafeMutableBytes { buffer in
            for word in 0..<buffer.count / 8 { buffer.storeBytes(of: next(), toByteOffset: word * 8, as: UInt64.self) }
        }
        bytes.removeLast(bytes.count - count)
        if let first = bytes.first, first == 0 { bytes[0] = 1 }
        return bytes
    }
}
