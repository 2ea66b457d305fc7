// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TestSupport
import Testing

struct MerkleTreeTests {
    @Test(arguments: [
        (0, "0000000000000000000000000000000000000000000000000000000000000000"),
        (1, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"),
        (2, "db56114e00fdd4c1f85c892bf35ac9a89289aaecb1ebd0a96cde606a748b5d71"),
        (3, "c78009fdf07fc56a11f122370658a353aaa542ed63e44c4bc15ff4cd105ab33c"),
        (6, "d88ddfeed400a8755596b21942c1497e114c302e6118290f91e6772976041fa1"),
        (8, "26846476fd5fc54a5d43385167c95144f2643f533cc85bb9d16b782f8d7db193"),
    ])
    func `the root of absent leaves is the known constant`(_ height: Int, _ hex: String) {
        #expect(MerkleTree.paddingRoot(height: height).hex == hex)
        #expect(MerkleTree.root(of: [], width: 1 << height).hex == hex)
    }

    @Test func `digests agree with the published ones`() {
        let abc = Array("abc".utf8)
        #expect(SHA256Digest(hashing: []).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256Digest(hashing: abc).hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(SHA1Digest(hashing: []).hex == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(SHA1Digest(hashing: abc).hex == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(SHA256Digest([UInt8](repeating: 1, count: 31)) == nil && SHA1Digest(abc) == nil && InfoHash(abc) == nil)
    }

    @Test(arguments: [1, 55, 63, 64, 65, 128, 4096, 16384], 0...9)
    func `several messages at once hash as each alone does`(_ length: Int, _ count: Int) {
        var random = SplitMix(state: UInt64(length * 10 + count))
        // What is left over at the end is no message.
        let bytes = random.bytes(length * count + Int.random(in: 0..<length, using: &random))
        let digests = bytes.withUnsafeBytes { SHA256Digest.digests(of: $0, each: length) }
        #expect(digests == (0..<count).map { SHA256Digest(hashing: Array(bytes[$0 * length..<($0 + 1) * length])) })
    }

    @Test(arguments: UInt64(1)...30)
    func `a root over a layer equals the plain recursive definition`(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        let count = Int.random(in: 1...70, using: &random)
        let leaves = (0..<count).map { _ in SHA256Digest(hashing: random.bytes(8)) }
        let width = count.roundedUpToPowerOfTwo << Int.random(in: 0...2, using: &random)
        func plain(_ nodes: [SHA256Digest]) -> SHA256Digest {
            guard nodes.count > 1 else { return nodes[0] }
            let half = nodes.count / 2
            return SHA256Digest(hashing: plain(Array(nodes[..<half])).bytes + plain(Array(nodes[half...])).bytes)
        }
        let padded = leaves + Array(repeating: SHA256Digest.zero, count: width - count)
        #expect(MerkleTree.root(of: leaves, width: width) == plain(padded))
    }

    @Test(arguments: UInt64(1)...25)
    func `piece hashes lead to the same root as all leaves at once`(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let image = try TestImage(
            size: Int.random(in: 1...1_500_000, using: &random),
            pieceLength: 1 << Int.random(in: 14...19, using: &random), seed: seed)
        let leaves = image.bytes.withUnsafeBytes { MerkleTree.leaves(of: $0) }
        #expect(leaves.count == Int(image.geometry.blockCount))
        let root = MerkleTree.root(of: leaves, width: leaves.count.roundedUpToPowerOfTwo)
        #expect(MerkleTree.piecesRoot(pieceHashes: image.pieceHashes, geometry: image.geometry) == root)
    }

    @Test(arguments: [1, 100, 16384, 16385, 65536, 65537, 300_000], [16384, 65536])
    func `pieces of zeros are recognised, and no others`(_ size: Int, _ pieceLength: Int) throws {
        let geometry = try #require(PieceGeometry(size: Int64(size), pieceLength: pieceLength))
        let zeros = ZeroPieces(geometry)
        for piece in geometry.pieces {
            var bytes = [UInt8](repeating: 0, count: geometry.length(of: piece))
            func hash() -> SHA256Digest {
                MerkleTree.pieceHash(leaves: bytes.withUnsafeBytes { MerkleTree.leaves(of: $0) }, geometry: geometry)
            }
            #expect(zeros.contains(piece, hash: hash()))
            bytes[bytes.count - 1] = 1
            #expect(!zeros.contains(piece, hash: hash()))
        }
    }
}
