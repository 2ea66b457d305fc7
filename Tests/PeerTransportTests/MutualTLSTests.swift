// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import Metainfo
import NIOSSL
import PeerTransport
import Swarm
import TestSupport
import Testing
import TrackerProtocol

/// Swarms that only the enrolled hosts of a fleet may take part in, over real sockets.
@Suite(.timeLimit(.minutes(2)))
struct MutualTLSTests {
    /// An image of a fleet, and the host that has it.
    struct Scene {
        let fleet: TestFleet
        let image: TestImage
        let metainfo: Metainfo
        let seed: TestPeer

        init(
            _ loopback: Loopback, hybrid: Bool = false, size: Int = 700_001, revoked: Set<String> = [],
            fleet: TestFleet? = nil, seed: (IdentityKey, FleetCertificate)? = nil, host: String = "127.0.0.1"
        ) async throws {
            self.fleet = try fleet ?? TestFleet()
            image = try TestImage(size: size, pieceLength: 64 << 10)
            metainfo = try Metainfo(torrent: image.torrent(hybrid: hybrid, authority: self.fleet.pem))
            self.seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes), host: host,
                tls: self.fleet.tls(seed ?? self.fleet.host("seed"), revoked: revoked))
        }

        func fetcher(_ loopback: Loopback, _ host: (IdentityKey, FleetCertificate)?, revoked: Set<String> = [])
            async throws
            -> TestPeer
        {
            try await TestPeer(
                loopback, metainfo, image: MemoryImage(metainfo), tls: host.map { try fleet.tls($0, revoked: revoked) })
        }
    }

    @Test(arguments: [false, true])
    func `hosts of a fleet swap an image of it`(hybrid: Bool) async throws {
        try await Loopback.run { loopback in
            let scene = try await Scene(loopback, hybrid: hybrid, size: (11 << 20) - 7)
            let fetcher = try await scene.fetcher(loopback, scene.fleet.host("rack1-2"))
            fetcher.driver.learned([scene.seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(scene.image.bytes))
            #expect(scene.seed.network.counts.refusals.isEmpty && fetcher.network.counts.refusals.isEmpty)
            await fetcher.stop()
            await scene.seed.stop()
            #expect(await eventually { fetcher.hasAllBuffers && scene.seed.hasAllBuffers })
            #expect(fetcher.network.connectionCount == 0 && scene.seed.network.connectionCount == 0)
        }
    }

    /// What is wrong with a certificate, and the word for it.
    enum Flaw: String, CaseIterable, Sendable {
        case expired
        case notYetValid = "not-yet-valid"
        case foreign = "other-fleet"
        case revoked
        case tracker = "wrong-holder"
    }

    @Test(arguments: Flaw.allCases)
    func `who fetches with a bad certificate gets nothing`(_ flaw: Flaw) async throws {
        try await Loopback.run { loopback in
            let fleet = try TestFleet()
            let bad = try Self.host(flaw, fleet)
            let scene = try await Scene(loopback, revoked: flaw == .revoked ? [bad.1.serial] : [], fleet: fleet)
            let fetcher = try await scene.fetcher(loopback, bad)
            fetcher.driver.learned([scene.seed.address])
            #expect(await eventually { scene.seed.network.counts.refusals["certificate:\(flaw.rawValue)"] == 1 })
            #expect(await eventually { scene.seed.network.connectionCount == 0 })
            #expect(fetcher.log.verified.isEmpty)
            await fetcher.stop()
            await scene.seed.stop()
        }
    }

    @Test(arguments: Flaw.allCases)
    func `nothing is fetched from who has a bad certificate`(_ flaw: Flaw) async throws {
        try await Loopback.run { loopback in
            let fleet = try TestFleet()
            let bad = try Self.host(flaw, fleet)
            let scene = try await Scene(loopback, fleet: fleet, seed: bad)
            let fetcher = try await scene.fetcher(
                loopback, fleet.host("good"), revoked: flaw == .revoked ? [bad.1.serial] : [])
            fetcher.driver.learned([scene.seed.address])
            #expect(await eventually { fetcher.network.counts.refusals["certificate:\(flaw.rawValue)"] == 1 })
            #expect(fetcher.log.verified.isEmpty)
            await fetcher.stop()
            await scene.seed.stop()
        }
    }

    private static func host(_ flaw: Flaw, _ fleet: TestFleet) throws -> (IdentityKey, FleetCertificate) {
        switch flaw {
        case .expired: try fleet.host("bad", days: 31)
        case .notYetValid: try fleet.host("bad", days: -1)
        case .foreign: try fleet.host("bad", by: TestFleet())
        case .revoked: try fleet.host("bad")
        case .tracker: try fleet.host("tracker")
        }
    }

    @Test func `who merely has the torrent gets nothing`() async throws {
        try await Loopback.run { loopback in
            let scene = try await Scene(loopback, hybrid: true)
            let hash = scene.metainfo.infoHash
            let name = "\(hash)"
            let hello = Stranger.handshake(hash)
            let (seed, fleet) = (scene.seed.address, scene.fleet)
            let good = try fleet.host("good")
            let v1 = try #require(scene.metainfo.infoHashes.v1.map { InfoHash($0) })
            // Without TLS, by either hash; in TLS without a certificate; in TLS of yesterday; in TLS that names nothing, or
            // what is not here.
            let strangers = [
                try await Stranger(loopback, seed, saying: hello),
                try await Stranger(loopback, seed, saying: Stranger.handshake(v1)),
                try await Stranger(loopback, seed, saying: hello) { try Stranger.client(name) },
                try await Stranger(loopback, seed, saying: hello) {
                    try Stranger.client(name, identity: good, atMost: .tlsv12)
                },
                try await Stranger(loopback, seed, saying: hello) { try Stranger.client(nil, identity: good) },
                try await Stranger(loopback, seed, saying: hello) {
                    try Stranger.client(String(repeating: "ab", count: 20), identity: good)
                },
                try await Stranger(loopback, seed, saying: hello) { try Stranger.client("tracker", identity: good) },
            ]
            for (number, stranger) in strangers.enumerated() {
                #expect(await eventually { stranger.isClosed }, "stranger \(number) is let go")
                #expect(stranger.answer.isEmpty, "stranger \(number) hears nothing")
            }
            // The same with everything right is answered: it was not for other reasons that nobody was.
            let member = try await Stranger(loopback, seed, saying: hello) { try Stranger.client(name, identity: good) }
            #expect(await eventually { member.answer.count > 68 })
            member.close()
            #expect(await eventually { scene.seed.network.connectionCount == 0 })
            await scene.seed.stop()
        }
    }

    @Test func `a certificate for one image says nothing about another`() async throws {
        try await Loopback.run { loopback in
            let scene = try await Scene(loopback)
            // An open image on the same host, named within TLS and as what TLS is about.
            let other = try TestImage(size: 100_000, pieceLength: 32 << 10, seed: 7)
            let open = try Metainfo(torrent: other.torrent(name: "open@1.raw"))
            let driver = SwarmDriver(
                metainfo: open, have: Bitfield(full: open.geometry), image: MemoryImage(open, bytes: other.bytes),
                network: scene.seed.network
            ) { _ in }
            driver.start()
            let good = try scene.fleet.host("good")
            let (closed, plain) = ("\(scene.metainfo.infoHash)", "\(open.infoHash)")
            let crossed = [
                try await Stranger(loopback, scene.seed.address, saying: Stranger.handshake(open.infoHash)) {
                    try Stranger.client(closed, identity: good)
                },
                try await Stranger(loopback, scene.seed.address, saying: Stranger.handshake(open.infoHash)) {
                    try Stranger.client(plain, identity: good)
                },
            ]
            for stranger in crossed {
                #expect(await eventually { stranger.isClosed })
                #expect(stranger.answer.isEmpty)
            }
            // Without TLS the open one is there for everyone.
            let anybody = try await Stranger(
                loopback, scene.seed.address, saying: Stranger.handshake(open.infoHash))
            #expect(await eventually { anybody.answer.count > 68 })
            anybody.close()
            await driver.stop()
            await scene.seed.stop()
        }
    }

    @Test func `elsewhere than on loopback an enrolled host takes TLS only, unless it is told otherwise`() async throws
    {
        try await Loopback.run { loopback in
            let scene = try await Scene(loopback, host: "0.0.0.0")
            let other = try TestImage(size: 100_000, pieceLength: 32 << 10, seed: 7)
            let open = try Metainfo(torrent: other.torrent(name: "open@1.raw"))
            let driver = SwarmDriver(
                metainfo: open, have: Bitfield(full: open.geometry), image: MemoryImage(open, bytes: other.bytes),
                network: scene.seed.network
            ) { _ in }
            driver.start()
            let hello = Stranger.handshake(open.infoHash)
            let refused = try await Stranger(loopback, scene.seed.address, saying: hello)
            #expect(await eventually { refused.isClosed })
            #expect(refused.answer.isEmpty && scene.seed.network.counts.refusals["withoutTLS"] == 1)
            scene.seed.network.use(try scene.fleet.tls(scene.fleet.host("seed")), admitsPlain: true)
            let taken = try await Stranger(loopback, scene.seed.address, saying: hello)
            #expect(await eventually { taken.answer.count > 68 })
            taken.close()
            await driver.stop()
            await scene.seed.stop()
        }
    }

    @Test func `a host that is not enrolled does not even ask, and nothing is said in the clear`() async throws {
        try await Loopback.run { loopback in
            let scene = try await Scene(loopback)
            let outsider = try await scene.fetcher(loopback, nil)
            outsider.driver.learned([scene.seed.address])
            #expect(await eventually { await outsider.driver.summary().swarm.peers.isEmpty })
            #expect(outsider.network.connectionCount == 0 && scene.seed.network.connectionCount == 0)
            // An eavesdropper, in the place of a seed.
            let listener = try RawListener()
            let fetcher = try await scene.fetcher(loopback, scene.fleet.host("good"))
            fetcher.driver.learned([listener.address])
            let heard = try await loopback.stranger {
                let peer = try listener.accept()
                return try peer.receive(190) ?? []
            }
            #expect(heard.first == 0x16)
            #expect(heard.firstRange(of: Array("BitTorrent".utf8)) == nil)
            #expect(heard.firstRange(of: Array("\(scene.metainfo.infoHash)".utf8)) != nil)
            await fetcher.stop()
            await outsider.stop()
            await scene.seed.stop()
        }
    }

    @Test func `a host that is revoked loses the connections it has`() async throws {
        try await Loopback.run { loopback in
            let fleet = try TestFleet()
            let (seedHost, host) = try (fleet.host("seed"), fleet.host("leaver"))
            let scene = try await Scene(loopback, fleet: fleet, seed: seedHost)
            let hello = Stranger.handshake(scene.metainfo.infoHash)
            let name = "\(scene.metainfo.infoHash)"
            let (leaver, other) = (
                try await Stranger(loopback, scene.seed.address, saying: hello) {
                    try Stranger.client(name, identity: host)
                },
                try await Stranger(loopback, scene.seed.address, saying: hello) {
                    try Stranger.client(name, identity: fleet.host("stayer"))
                }
            )
            #expect(await eventually { leaver.answer.count > 68 && other.answer.count > 68 })
            scene.seed.network.use(try fleet.tls(seedHost, revoked: [host.1.serial]), admitsPlain: false)
            #expect(await eventually { leaver.isClosed })
            #expect(!other.isClosed)
            let again = try await Stranger(loopback, scene.seed.address, saying: hello) {
                try Stranger.client(name, identity: host)
            }
            #expect(await eventually { again.isClosed })
            #expect(again.answer.isEmpty)
            other.close()
            await scene.seed.stop()
        }
    }

    @Test func `who connects and says nothing, or half of a hello, is let go`() async throws {
        try await Loopback.run { loopback in
            let scene = try await Scene(loopback)
            let hello: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]
            let strangers = [
                try await Stranger(loopback, scene.seed.address, saying: []),
                try await Stranger(loopback, scene.seed.address, saying: hello),
                // A record longer than any hello.
                try await Stranger(
                    loopback, scene.seed.address,
                    saying: [0x16, 3, 1, 0xff, 0xff] + [UInt8](repeating: 1, count: 70_000)),
                try await Stranger(loopback, scene.seed.address, saying: [UInt8](repeating: 0x16, count: 100_000)),
            ]
            for (number, stranger) in strangers.enumerated() {
                #expect(await eventually(within: 40) { stranger.isClosed }, "stranger \(number)")
                #expect(stranger.answer.count < 64, "stranger \(number)")
            }
            #expect(await eventually { scene.seed.network.connectionCount == 0 })
            await scene.seed.stop()
        }
    }
}
