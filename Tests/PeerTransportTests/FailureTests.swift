// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import PeerTransport
import Swarm
import TestSupport
import Testing
import TrackerProtocol

/// Peers that leave, and images that cannot be written or read.
@Suite(.timeLimit(.minutes(2)))
struct FailureTests {
    @Test func `another seed takes over when one stops in the middle`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 24 << 20, pieceLength: 1 << 20, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            func seed(_ have: Bitfield) async throws -> TestPeer {
                try await TestPeer(loopback, metainfo, have: have, image: MemoryImage(metainfo, bytes: image.bytes))
            }
            // The first one alone cannot finish the transfer, however fast it is.
            var half = Bitfield(pieceCount: metainfo.geometry.pieceCount)
            for piece in metainfo.geometry.pieces where piece.number % 2 == 0 { half.insert(piece) }
            let (first, second) = (try await seed(half), try await seed(Bitfield(full: metainfo.geometry)))
            let fetcher = try await TestPeer(
                loopback, metainfo, image: MemoryImage(metainfo, fault: .slowWrite(2000)))
            fetcher.driver.learned([first.address])
            #expect(await eventually { fetcher.log.verified.count >= 3 })
            await first.stop()
            #expect(fetcher.log.completions == 0)
            fetcher.driver.learned([second.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            #expect(fetcher.image.wronglyRecorded.isEmpty && fetcher.log.banned.isEmpty)
            await fetcher.stop()
            await second.stop()
            #expect(await eventually { first.hasAllBuffers && second.hasAllBuffers && fetcher.hasAllBuffers })
        }
    }

    @Test func `an extent whose connection ends before it is stored is fetched again`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 16 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            // Each of these answers one request and ends the connection with the same packet.
            for _ in 0..<10 {
                try await loopback.stranger { [address = fetcher.address] in
                    let stranger = try RawPeer(address)
                    try stranger.shakeHands(metainfo.infoHash)
                    try stranger.send(.haveAll, .unchoke)
                    guard let request = try stranger.request() else { return }
                    try stranger.answer(request, with: image.bytes, withEnd: true)
                }
                if fetcher.log.completions > 0 { break }
            }
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            fetcher.driver.learned([seed.address])
            #expect(await eventually(within: 5) { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            await fetcher.stop()
            await seed.stop()
            #expect(await eventually { fetcher.hasAllBuffers })
        }
    }

    @Test(arguments: [true, false])
    func `a disk that fails ends the fetch with a reason`(_ whileWriting: Bool) async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 3_000_000, pieceLength: 256 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(
                loopback, metainfo, image: MemoryImage(metainfo, fault: whileWriting ? .write : .record),
                callsBack: true)
            fetcher.driver.learned([seed.address])
            #expect(await eventually { !fetcher.log.failures.isEmpty })
            let reason = whileWriting ? "the disk is full" : "the journal cannot be written"
            #expect(fetcher.log.failures == [reason])
            #expect(await eventually { await seed.driver.summary().swarm.peers.isEmpty })
            #expect(fetcher.image.recorded.isEmpty && fetcher.log.completions == 0)
            // It stays where it is: no dial, no second failure.
            fetcher.driver.learned([seed.address])
            await fetcher.stop()
            #expect(fetcher.log.failures.count == 1)
            await seed.stop()
            #expect(await eventually { fetcher.hasAllBuffers && seed.hasAllBuffers })
        }
    }

    @Test func `a seed that cannot read closes the connection and lives on`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 1_000_000, pieceLength: 64 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let broken = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, fault: .read))
            let good = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            fetcher.driver.learned([broken.address, good.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes) && fetcher.log.banned.isEmpty)
            for peer in [fetcher, broken, good] { await peer.stop() }
            #expect(await eventually { broken.hasAllBuffers })
        }
    }

    @Test func `stopping waits for writes under way and makes what is verified durable`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 4 << 20, pieceLength: 64 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(
                loopback, metainfo, image: MemoryImage(metainfo, fault: .slowWrite(30_000)))
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.image.writes > 3 })
            await fetcher.driver.stop()
            #expect(fetcher.image.callsUnderWay == 0)
            let (writes, recorded) = (fetcher.image.writes, fetcher.image.recorded)
            #expect(Set(recorded) == Set(fetcher.log.verified))
            #expect(fetcher.hasAllBuffers)
            await seed.stop()
            #expect(fetcher.image.writes == writes && fetcher.image.wronglyRecorded.isEmpty)
            await fetcher.stop()
        }
    }
}
