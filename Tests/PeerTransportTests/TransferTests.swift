// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import PeerTransport
import Swarm
import TestSupport
import Testing
import TrackerProtocol

/// Honest peers over real sockets.
@Suite(.timeLimit(.minutes(2)))
struct TransferTests {
    struct Shape: Sendable, CustomTestStringConvertible {
        let size: Int
        let pieceLength: Int
        var testDescription: String { "\(size) bytes in pieces of \(pieceLength)" }
    }

    static let shapes: [Shape] = [
        Shape(size: 1, pieceLength: 16 << 10),
        Shape(size: 16 << 10, pieceLength: 16 << 10),
        Shape(size: (16 << 10) + 1, pieceLength: 16 << 10),
        Shape(size: 100_003, pieceLength: 16 << 10),
        Shape(size: 700_001, pieceLength: 64 << 10),
        Shape(size: (3 << 20) + 12_345, pieceLength: 256 << 10),
        Shape(size: 5 << 20, pieceLength: 1 << 20),
        Shape(size: (5 << 20) + 1, pieceLength: 2 << 20),
        Shape(size: (11 << 20) - 7, pieceLength: 4 << 20),
        Shape(size: (1 << 20) + 16_385, pieceLength: 4 << 20),
    ]

    @Test(arguments: shapes)
    func `an image arrives byte for byte`(_ shape: Shape) async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: shape.size, pieceLength: shape.pieceLength)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            #expect(fetcher.image.wronglyRecorded.isEmpty && fetcher.image.overruns == 0)
            let missing = metainfo.geometry.pieceCount - TestPeer.zeroPieces(metainfo).count
            #expect(fetcher.image.recorded.count == missing && Set(fetcher.image.recorded).count == missing)
            #expect(fetcher.log.hadRecordedAll)
            await fetcher.stop()
            await seed.stop()
            #expect(await eventually { fetcher.hasAllBuffers && seed.hasAllBuffers })
            #expect(fetcher.log.completions == 1 && fetcher.log.failures.isEmpty)
        }
    }

    @Test func `long runs of blocks go from the file to the socket without being read`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: (32 << 20) + 4_321, pieceLength: 256 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes, isInFile: true))
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            #expect(fetcher.image.wronglyRecorded.isEmpty && fetcher.image.overruns == 0)
            #expect(seed.image.readBytes < image.bytes.count / 2)
            await fetcher.stop()
            await seed.stop()
            #expect(await eventually { fetcher.hasAllBuffers && seed.hasAllBuffers })
        }
    }

    @Test func `all-zero pieces are neither requested nor written`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 9 * (64 << 10), pieceLength: 64 << 10)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(TestPeer.zeroPieces(metainfo).count == 3)
            #expect(fetcher.image.writes == 6)
            #expect(fetcher.image.holds(image.bytes))
            await fetcher.stop()
            await seed.stop()
        }
    }

    @Test func `a peer that does not know which pieces are zero gets them too`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 300_000, pieceLength: 32 << 10)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(
                loopback, metainfo, have: Bitfield(pieceCount: metainfo.geometry.pieceCount),
                image: MemoryImage(metainfo, bytes: [UInt8](repeating: 0xff, count: 300_000)))
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            await fetcher.stop()
            await seed.stop()
        }
    }

    @Test func `a peer that asks for all of the last block gets zeros behind the image's end`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 100_000, pieceLength: 32 << 10)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let stranger = try RawPeer(seed.address)
            try stranger.shakeHands(metainfo.infoHash)
            // Piece 3 holds the last 1,696 bytes.
            try stranger.send(.haveNone, .interested)
            while let (id, _) = try stranger.message(), id != 1 {}
            try stranger.send(.request(BlockRequest(piece: 3, begin: 0, length: 16384)))
            let block = try #require(try stranger.message())
            #expect(block.id == 7)
            let padding = [UInt8](repeating: 0, count: 16384 - 1696)
            let expected = [0, 0, 0, 3, 0, 0, 0, 0] + Array(image.bytes.suffix(1696)) + padding
            #expect(block.payload.elementsEqual(expected))
            await seed.stop()
        }
    }

    @Test func `one seed feeds three peers that help each other`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: (12 << 20) + 77, pieceLength: 256 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent(hybrid: true))
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            var fetchers: [TestPeer] = []
            for _ in 0..<3 { fetchers.append(try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))) }
            let everybody = [seed.address] + fetchers.map(\.address)
            for fetcher in fetchers { fetcher.driver.learned(everybody) }
            for fetcher in fetchers {
                #expect(await eventually { fetcher.log.completions == 1 })
                #expect(fetcher.image.holds(image.bytes))
                #expect(fetcher.image.wronglyRecorded.isEmpty)
                let sources = await fetcher.driver.summary().sources
                #expect(sources.values.reduce(0, +) == metainfo.geometry.size)
                #expect(Set(sources.keys).isSubset(of: everybody))
            }
            for peer in fetchers + [seed] { await peer.stop() }
            for peer in fetchers + [seed] {
                #expect(await eventually { peer.hasAllBuffers })
                #expect(peer.log.banned.isEmpty && peer.log.failures.isEmpty)
            }
        }
    }

    @Test func `a transfer over IPv6 works`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 2_000_001, pieceLength: 256 << 10)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes), host: "::1")
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo), host: "::1")
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            #expect(await fetcher.driver.summary().sources.keys.allSatisfy(\.isIPv6))
            await fetcher.stop()
            await seed.stop()
        }
    }

    @Test func `fewer buffers than connections are enough`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 6 << 20, pieceLength: 2 << 20, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            var seeds: [TestPeer] = []
            for _ in 0..<3 {
                seeds.append(
                    try await TestPeer(
                        loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                        image: MemoryImage(metainfo, bytes: image.bytes)))
            }
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo), extentCapacity: 2)
            fetcher.driver.learned(seeds.map(\.address))
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            #expect(fetcher.resources.extents.counts.made <= 2)
            for peer in seeds + [fetcher] { await peer.stop() }
            #expect(await eventually { fetcher.hasAllBuffers })
        }
    }

    @Test func `an image that lacks a piece resumes with what it has`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 1_000_000, pieceLength: 64 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            var have = Bitfield(full: metainfo.geometry)
            let missing = try #require(metainfo.geometry.piece(5))
            have.remove(missing)
            var bytes = image.bytes
            bytes[Int(metainfo.geometry.offset(of: missing))] ^= 1
            let fetcher = try await TestPeer(
                loopback, metainfo, have: have, image: MemoryImage(metainfo, bytes: bytes))
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.log.verified == [missing] && fetcher.image.recorded == [missing])
            #expect(fetcher.image.holds(image.bytes))
            await fetcher.stop()
            await seed.stop()
        }
    }
}
