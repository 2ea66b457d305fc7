// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import PeerTransport
import Swarm
import TestSupport
import Testing
import TrackerProtocol

/// Hash requests over real sockets: what a stranger is given, and what a wrong block costs when leaves can be had.
@Suite(.timeLimit(.minutes(2)))
struct HashExchangeTests {
    /// Asks one peer and returns the hashes, or `nil` when it rejects.
    private func ask(
        _ request: HashRequest, of address: PeerAddress, _ metainfo: Metainfo, _ loopback: Loopback
    ) async throws -> [SHA256Digest]? {
        try await loopback.stranger {
            let stranger = try RawPeer(address)
            try stranger.shakeHands(metainfo.infoHash)
            try stranger.send(.hashRequest(request))
            while let (id, payload) = try stranger.message() {
                if id == 23 { return nil }
                guard id == 22 else { continue }
                let hashes = payload.dropFirst(48)
                return stride(from: hashes.startIndex, to: hashes.endIndex, by: 32).compactMap {
                    SHA256Digest(Array(hashes[$0..<$0 + 32]))
                }
            }
            return nil
        }
    }

    @Test func `a stranger gets leaves and layers that prove the image, of verified pieces only`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 3_000_001, pieceLength: 256 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let peer = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let empty = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            func request(layer: UInt32, _ index: UInt32, _ length: UInt32, proof: UInt32) -> HashRequest {
                HashRequest(
                    piecesRoot: metainfo.piecesRoot, baseLayer: layer, index: index, length: length,
                    proofLayers: proof)
            }
            // 12 pieces of 16 blocks; the last one is short, and the layer is padded to 16.
            let lastLeaves = request(layer: 0, 11 * 16, 16, proof: 0)
            let leaves = try #require(try await ask(lastLeaves, of: peer.address, metainfo, loopback))
            #expect(leaves.count == 16)
            #expect(MerkleTree.root(of: leaves, width: 16) == metainfo.pieceHashes[11])
            #expect(leaves.last == .zero)
            let layer = request(layer: 4, 0, 16, proof: 0)
            for address in [peer.address, empty.address] {
                let nodes = try #require(try await ask(layer, of: address, metainfo, loopback))
                #expect(Array(nodes.prefix(12)) == metainfo.pieceHashes)
                #expect(MerkleTree.root(of: nodes, width: 16) == metainfo.piecesRoot)
            }
            // Two leaves and the three uncles up to their piece, and then four to the root.
            let proven = try #require(
                try await ask(request(layer: 0, 2, 2, proof: 7), of: peer.address, metainfo, loopback))
            #expect(proven.count == 9)
            var position = 1
            let root = proven.dropFirst(2).reduce(MerkleTree.parent(proven[0], proven[1])) { node, uncle in
                defer { position /= 2 }
                return position % 2 == 0 ? MerkleTree.parent(node, uncle) : MerkleTree.parent(uncle, node)
            }
            #expect(root == metainfo.piecesRoot)
            #expect(try await ask(lastLeaves, of: empty.address, metainfo, loopback) == nil)
            await peer.stop()
            await empty.stop()
            #expect(await eventually { peer.hasAllBuffers && empty.hasAllBuffers })
        }
    }

    @Test func `a disk that lost what was verified gives no hashes rather than wrong ones`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 600_000, pieceLength: 256 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let peer = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes.map { ~$0 }))
            let request = HashRequest(
                piecesRoot: metainfo.piecesRoot, baseLayer: 0, index: 0, length: 16, proofLayers: 0)
            #expect(try await ask(request, of: peer.address, metainfo, loopback) == nil)
            await peer.stop()
            #expect(await eventually { peer.hasAllBuffers })
        }
    }

    /// A piece is one extent in the first case and two in the second.
    @Test(arguments: [1 << 20, 2 << 20])
    func `a wrong block costs that block, and whoever sent it its place`(_ pieceLength: Int) async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 12 << 20, pieceLength: pieceLength, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            // One byte is wrong in every MiB.
            var wrong = image.bytes
            for start in stride(from: 500_000, to: wrong.count, by: 1 << 20) { wrong[start] = ~wrong[start] }
            let liar = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: wrong))
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            fetcher.driver.learned([liar.address])
            #expect(await eventually { !fetcher.log.banned.isEmpty })
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            #expect(fetcher.image.wronglyRecorded.isEmpty)
            #expect(fetcher.log.banned == [liar.address])
            let sources = await fetcher.driver.summary().sources
            let refetched = sources.values.reduce(0, +) - Int64(image.bytes.count)
            let fromLiar = sources[liar.address] ?? 0
            #expect(fromLiar > 0)
            // Each MiB that the liar brought had one wrong block.
            #expect(refetched == (fromLiar >> 20) * Int64(PieceGeometry.blockLength))
            for peer in [fetcher, liar, seed] { await peer.stop() }
            #expect(await eventually { fetcher.hasAllBuffers && seed.hasAllBuffers })
        }
    }

    @Test func `a peer gives the piece layer that a torrent lacks`() async throws {
        try await Loopback.run { loopback in
            // 600 pieces: two runs, the second one padded.
            let image = try TestImage(size: 600 * 16384 - 3, pieceLength: 16384)
            let metainfo = try Metainfo(torrent: image.torrent())
            let peer = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            let other = try Metainfo(torrent: TestImage(size: 100_000).torrent())
            let asking = try await TestPeer(loopback, other, image: MemoryImage(other))
            let missing = try #require(MissingPieceLayer(TorrentFile(withoutPieceLayers(image.torrent()))))
            let client = PieceLayerClient(missing, network: asking.network)
            // Nobody listens there.
            let nobody = PeerAddress(host: peer.address.host, port: 1)
            var inquiry = await client.ask(nobody, LayerInquiry(missing))
            #expect(inquiry.layer == nil)
            // This one does not know the image.
            inquiry = await client.ask(asking.address, inquiry)
            #expect(inquiry.layer == nil)
            inquiry = await client.ask(peer.address, inquiry)
            #expect(inquiry.layer == metainfo.pieceHashes)
            #expect(await eventually { peer.network.connectionCount + asking.network.connectionCount == 0 })
            await peer.stop()
            await asking.stop()
        }
    }
}
