// SPDX-License-Identifier: Apache-2.0

/// The merkle trees of BEP 52: SHA-256 over 16 KiB blocks, paired upwards.
package enum MerkleTree {
    /// The hash of two children side by side.
    package static func parent(_ left: SHA256Digest, _ right: SHA256Digest) -> SHA256Digest {
        withUnsafeTemporaryAllocation(byteCount: 2 * SHA256Digest.byteCount, alignment: 8) { pair in
            left.withUnsafeBytes { pair.copyMemory(from: $0) }
            right.withUnsafeBytes {
                // checked: the pair has room for two digests.
                UnsafeMutableRawBufferPointer(rebasing: pair[SHA256Digest.byteCount...]).copyMemory(from: $0)
            }
            return SHA256Digest(hashing: UnsafeRawBufferPointer(pair))
        }
    }

    /// The root of a tree whose `2^height` leaves are all absent: zeros at height 0, and above it the hash of two
    /// such roots. Missing leaves are zero bytes, not the hash of zero bytes.
    /// - Parameter height: 0 to 62.
    package static func paddingRoot(height: Int) -> SHA256Digest {
        var root = SHA256Digest.zero
        for _ in 0..<height { root = parent(root, root) }
        return root
    }

    /// The root over `hashes`, taken as one layer of the tree and padded to `width` nodes.
    /// - Parameters:
    ///   - hashes: the layer's known nodes from the left; at most `width`.
    ///   - width: the layer's full width; a power of two.
    ///   - padding: what stands in for the missing nodes; leaves pad with ``SHA256Digest/zero``.
    package static func root(
        of hashes: some Collection<SHA256Digest>, width: Int, padding: SHA256Digest = .zero
    ) -> SHA256Digest {
        var layer = Array(hashes)
        var width = width
        var padding = padding
        while width > 1 {
            // The nodes of a layer lie side by side, as their parents hash them.
            var next = layer.withUnsafeBytes { SHA256Digest.digests(of: $0, each: 2 * SHA256Digest.byteCount) }
            if !layer.count.isMultiple(of: 2), let last = layer.last { next.append(parent(last, padding)) }
            padding = parent(padding, padding)
            layer = next
            width /= 2
        }
        return layer.first ?? padding
    }

    /// The leaf hashes of `bytes`: one per 16 KiB block; a shorter last block is hashed at its own length.
    package static func leaves(of bytes: UnsafeRawBufferPointer) -> [SHA256Digest] {
        var leaves = SHA256Digest.digests(of: bytes, each: PieceGeometry.blockLength)
        let whole = leaves.count * PieceGeometry.blockLength
        if whole < bytes.count {
            // checked: it begins inside the bytes.
            leaves.append(SHA256Digest(hashing: UnsafeRawBufferPointer(rebasing: bytes[whole...])))
        }
        return leaves
    }

    /// The hash that a piece's layer entry holds, from the piece's leaves.
    package static func pieceHash(leaves: [SHA256Digest], geometry: PieceGeometry) -> SHA256Digest {
        root(of: leaves, width: geometry.leavesPerPieceTree)
    }

    /// The root over an image's piece hashes: the `pieces root` of BEP 52.
    package static func piecesRoot(pieceHashes: [SHA256Digest], geometry: PieceGeometry) -> SHA256Digest {
        guard geometry.pieceCount > 1 else { return pieceHashes.first ?? .zero }
        let height = geometry.blocksPerPiece.trailingZeroBitCount
        return root(
            of: pieceHashes, width: geometry.pieceCount.roundedUpToPowerOfTwo, padding: paddingRoot(height: height))
    }
}
