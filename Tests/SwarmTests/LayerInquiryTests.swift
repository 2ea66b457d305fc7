// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing

/// A piece layer put together from answers, as scripts (BEP 52).
@Suite struct LayerInquiryTests {
    /// A torrent of `pieceCount` pieces without its layer, the layer, and the tree that answers.
    private func scene(
        _ pieceCount: Int
    ) throws -> (missing: MissingPieceLayer, layer: [SHA256Digest], tree: MerkleLayers, geometry: PieceGeometry) {
        let geometry = try #require(PieceGeometry(size: Int64(pieceCount) * 65536 - 5, pieceLength: 65536))
        let layer = (0..<pieceCount).map { SHA256Digest(hashing: Array("piece \($0)".utf8)) }
        let bytes = TorrentWriter(
            name: "x@1.raw", geometry: geometry, pieceHashes: layer,
            trackers: ["http://a/announce", "http://b/announce"],
            webSeeds: ["http://c/"]
        ).encoded
        let limits = BencodeLimits(byteCount: bytes.count, depth: 100, valueCount: 1000)
        let entries = try #require(try BencodeDecoder.decode(bytes, limits: limits).entries)
        let stripped = Bencode.sorted(entries.filter { $0.key != Array("piece layers".utf8) }).encoded
        let missing = try #require(MissingPieceLayer(TorrentFile(stripped)))
        #expect(MissingPieceLayer(try TorrentFile(bytes)) == nil)
        return (missing, layer, MerkleLayers(try Metainfo(torrent: bytes)), geometry)
    }

    @Test(arguments: [2, 3, 511, 512, 513, 2000])
    func `the layer comes in runs of at most 512, each proven`(_ pieceCount: Int) throws {
        let (missing, layer, tree, geometry) = try scene(pieceCount)
        var inquiry = LayerInquiry(missing)
        var requests = 0
        while let request = inquiry.next {
            #expect(request.length <= 512)
            let range = try #require(request.range(in: geometry))
            let answer = try #require(range.hashes(geometry: geometry, pieceLayers: tree, leaves: []))
            var rejected = [[], Array(answer.dropLast()), answer + [.zero]]
            for place in answer.indices {
                var wrong = answer
                wrong[place] = SHA256Digest(hashing: [0])
                rejected.append(wrong)
                if place > 3 { break }
            }
            for wrong in rejected {
                let isTaken = inquiry.take(wrong)
                try #require(!isTaken)
            }
            let isTaken = inquiry.take(answer)
            #expect(isTaken)
            requests += 1
        }
        #expect(requests == (pieceCount + 511) / 512)
        #expect(inquiry.layer == layer)
        let isTaken = inquiry.take(layer)
        #expect(!isTaken)
        let whole = try Metainfo(torrent: missing.torrent(with: layer))
        #expect(whole.pieceHashes == layer && whole.infoHash == missing.infoHash)
        #expect(whole.trackers.joined().count == 2 && whole.webSeeds == ["http://c/"])
    }
}
