// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import PeerTransport
import Swarm
import TestSupport
import Testing
import TrackerProtocol

/// Who is let in, and what is counted of those who are not.
@Suite(.timeLimit(.minutes(2)))
struct ConnectionLimitTests {
    @Test func `a host has eight connections, loopback as many as there are`() async throws {
        try await Loopback.run { loopback in
            var random = SystemRandomNumberGenerator()
            let network = PeerNetwork(
                peerID: .generated(using: &random),
                resources: TransportResources(group: loopback.group, threads: loopback.threads))
            let host = try #require(IPAddress(parsing: "10.1.1.1"))
            let mapped = try #require(IPAddress(parsing: "::ffff:10.1.1.1"))
            let ids = (0..<8).compactMap { network.newConnection(with: $0 % 2 == 0 ? host : mapped) }
            #expect(ids.count == 8)
            #expect(network.newConnection(with: host) == nil)
            #expect(network.newConnection(with: try #require(IPAddress(parsing: "10.1.1.2"))) != nil)
            network.closed(ids[3])
            network.closed(ids[3])
            #expect(network.newConnection(with: mapped) != nil)
            #expect(network.newConnection(with: mapped) == nil)
            let local = try #require(IPAddress(parsing: "::1"))
            let made = (0..<2000).compactMap { _ in network.newConnection(with: local) }
            #expect(made.count == 1024 - 9)
            #expect(network.counts.refusals == ["tooManyOfOneHost": 2, "tooMany": 2000 - 1015])
            for id in made + ids { network.closed(id) }
        }
    }

    @Test func `connections that say nothing make room for those that do`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 300_000, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            try await loopback.stranger { [address = seed.address, infoHash = metainfo.infoHash] in
                let first = try RawPeer(address)
                let crowd = try RawCrowd(address, count: 300)
                let isDropped = first.isDropped()
                #expect(isDropped)
                try RawPeer(address).shakeHands(infoHash)
                _ = consume crowd
            }
            #expect((seed.network.counts.refusals["tooManyHalfOpen"] ?? 0) >= 44)
            await seed.stop()
        }
    }

    @Test func `nobody outside the allowed networks is let in or dialled`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 300_000, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let elsewhere = try #require(NetworkPrefix(parsing: "192.0.2.0/24"))
            let closed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes), networks: [elsewhere])
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            fetcher.driver.learned([closed.address])
            #expect(await eventually { closed.network.counts.refusals["outsideNetworks"] != nil })
            let lonely = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo), networks: [elsewhere])
            lonely.driver.learned([fetcher.address])
            #expect(await lonely.driver.summary().swarm.peers.isEmpty)
            #expect(fetcher.log.verified.isEmpty && lonely.network.connectionCount == 0)
            for peer in [closed, fetcher, lonely] { await peer.stop() }
        }
    }

    @Test func `a violation is counted by its kind`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 300_000, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let peer = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            for _ in 0..<2 {
                let isDropped = try await loopback.stranger { [address = peer.address] in
                    let stranger = try RawPeer(address)
                    try stranger.send(Array("GET / HTTP/1.1\r\n".utf8))
                    return stranger.isDropped()
                }
                #expect(isDropped)
            }
            let isDropped = try await loopback.stranger { [address = peer.address] in
                let stranger = try RawPeer(address)
                try stranger.shakeHands(metainfo.infoHash)
                try stranger.send(.have(1 << 20))
                return stranger.isDropped()
            }
            #expect(isDropped)
            #expect(await eventually { peer.network.counts.violations == ["notBitTorrent": 2, "outOfRange": 1] })
            await peer.stop()
        }
    }
}
