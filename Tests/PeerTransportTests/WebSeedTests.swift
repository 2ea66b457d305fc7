// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerTransport
import Swarm
import TestSupport
import Testing

/// HTTP servers as sources of an image, over real sockets (BEP 19).
@Suite(.timeLimit(.minutes(2)))
struct WebSeedTests {
    private func metainfo(_ image: TestImage, _ urls: [String]) throws -> Metainfo {
        let writer = TorrentWriter(
            name: "test@1.raw", geometry: image.geometry, pieceHashes: image.pieceHashes, webSeeds: urls)
        return try Metainfo(torrent: writer.encoded)
    }

    @Test(arguments: [ImageServer.Habit.good, .redirects], ["/images/test@1.raw", "/images/"])
    func `a server with ranges is all that is needed`(_ habit: ImageServer.Habit, _ path: String) async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 5_000_003, pieceLength: 256 << 10)
            let server = try await ImageServer(image.bytes, habit)
            let metainfo = try metainfo(image, ["http://127.0.0.1:\(server.port)\(path)"])
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            #expect(fetcher.image.wronglyRecorded.isEmpty && fetcher.log.webSeedFailures.isEmpty)
            // All-zero pieces are not asked for.
            let zeros = metainfo.geometry.pieces.filter { $0.number % 3 == 2 }.map { metainfo.geometry.offset(of: $0) }
            #expect(!server.ranges.contains { range in zeros.contains { range.hasPrefix("bytes=\($0)-") } })
            #expect(await eventually { fetcher.network.connectionCount == 0 })
            await fetcher.stop()
            #expect(await eventually { fetcher.hasAllBuffers })
            await server.stop()
        }
    }

    @Test(arguments: [ImageServer.Habit.ignoresRanges, .truncates, .shifts, .missing])
    func `a server that does not give what it is asked for is reported and others serve`(
        _ habit: ImageServer.Habit
    ) async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 3_000_003, pieceLength: 256 << 10)
            let server = try await ImageServer(image.bytes, habit)
            let metainfo = try metainfo(image, ["http://127.0.0.1:\(server.port)/images/test@1.raw"])
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            #expect(await eventually { !fetcher.log.webSeedFailures.isEmpty })
            #expect(fetcher.log.verified.isEmpty)
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes) && fetcher.image.wronglyRecorded.isEmpty)
            await fetcher.stop()
            await seed.stop()
            #expect(await eventually { fetcher.hasAllBuffers })
            await server.stop()
        }
    }

    @Test func `a server that sends on to another server is not followed`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 1_000_000, pieceLength: 256 << 10)
            let target = try await ImageServer(image.bytes)
            let server = try await ImageServer(image.bytes, .redirectsTo(port: target.port))
            let metainfo = try metainfo(image, ["http://127.0.0.1:\(server.port)/images/test@1.raw"])
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            #expect(await eventually { !fetcher.log.webSeedFailures.isEmpty })
            #expect(fetcher.log.webSeedFailures.first?.contains("another server") == true)
            #expect(server.requests > 0 && target.requests == 0)
            await fetcher.stop()
            await server.stop()
            await target.stop()
        }
    }

    @Test func `a server with wrong bytes is banned, and its right ones stay`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 6 << 20, pieceLength: 1 << 20, zeros: false)
            var wrong = image.bytes
            wrong[100] = ~wrong[100]
            for start in stride(from: 1 << 20, to: wrong.count, by: 1 << 20) { wrong[start + 99] = ~wrong[start + 99] }
            let server = try await ImageServer(wrong)
            let metainfo = try metainfo(image, ["http://127.0.0.1:\(server.port)/images/test@1.raw"])
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            #expect(await eventually { !fetcher.log.banned.isEmpty })
            #expect(await eventually { fetcher.network.connectionCount == 0 })
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes) && fetcher.image.wronglyRecorded.isEmpty)
            let sources = await fetcher.driver.summary().sources
            #expect((sources[seed.address] ?? 0) < Int64(image.bytes.count))
            await fetcher.stop()
            await seed.stop()
            #expect(await eventually { fetcher.hasAllBuffers })
            await server.stop()
        }
    }

    @Test func `a server that cannot be reached does not keep a peer from stopping`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 1_000_000, pieceLength: 256 << 10)
            let urls = ["http://127.0.0.1:1/x", "http://host.invalid/x", "ftp://127.0.0.1/x", "http://", "nonsense"]
            let metainfo = try metainfo(image, urls)
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            #expect(await eventually { Set(fetcher.log.webSeedFailures.map { $0.prefix(16) }).count == 2 })
            await fetcher.stop()
            #expect(fetcher.hasAllBuffers)
        }
    }
}
