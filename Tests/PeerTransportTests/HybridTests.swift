// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import PeerTransport
import Swarm
import TestSupport
import Testing
import TrackerProtocol

/// Hybrids among peers that know version 1 alone, and those that know both (BEP 52).
@Suite(.timeLimit(.minutes(2)))
struct HybridTests {
    /// What a handshake that came in said.
    private static func handshake(_ peer: borrowing RawPeer) throws -> Handshake? {
        var buffer = ByteBuffer(bytes: try peer.receive(Handshake.byteCount) ?? [])
        return try Handshake.decode(from: &buffer)
    }

    private static func answer(_ peer: borrowing RawPeer, _ infoHash: InfoHash) throws {
        var random = SystemRandomNumberGenerator()
        var buffer = ByteBuffer()
        Handshake(
            infoHash: infoHash, peerID: .generated(using: &random), supportsFast: false, supportsExtensions: false
        )
        .encode(into: &buffer)
        try peer.send(Array(buffer.readableBytesView))
    }

    @Test func `a hybrid is fetched from a peer that knows version 1 alone`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 300_001, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent(hybrid: true))
            let v1 = InfoHash(try #require(metainfo.infoHashes.v1))
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            let listener = try RawListener()
            fetcher.driver.learned([listener.address])
            // The peer's own threads go on while this one blocks.
            let seed = try listener.accept()
            let theirs = try #require(try Self.handshake(seed))
            #expect(theirs.infoHash == v1 && theirs.offersV2)
            try Self.answer(seed, v1)
            try seed.send(.bitfield(Bitfield(full: metainfo.geometry).wire), .unchoke)
            // Two complete peers part, so that the requests end.
            while let request = try seed.request() {
                let start = Int(request.piece) * metainfo.geometry.pieceLength + Int(request.begin)
                try seed.answer(request, with: Array(image.bytes[start..<start + Int(request.length)]))
            }
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            await fetcher.stop()
        }
    }
}
