// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import PeerTransport
import Swarm
import TestSupport
import Testing
import TrackerProtocol

/// Peers that send wrong or malformed bytes, or take without ever reading.
@Suite(.timeLimit(.minutes(2)))
struct HostilePeerTests {
    @Test func `a liar is banned and its bytes are never recorded as verified`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 6_000_000, pieceLength: 256 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let wrong = image.bytes.map { ~$0 }
            let liar = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: wrong))
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            fetcher.driver.learned([liar.address])
            #expect(await eventually { !fetcher.log.banned.isEmpty })
            #expect(Set(fetcher.log.banned) == [liar.address])
            fetcher.driver.learned([liar.address, seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            #expect(fetcher.image.wronglyRecorded.isEmpty)
            #expect(Set(fetcher.log.banned) == [liar.address])
            for peer in [fetcher, liar, seed] { await peer.stop() }
            #expect(await eventually { fetcher.hasAllBuffers })
        }
    }

    @Test(arguments: [64 << 10, 2 << 20])
    func `a liar beside an honest seed does no harm`(_ pieceLength: Int) async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 10_000_001, pieceLength: pieceLength, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let liar = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes.map { ~$0 }))
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            fetcher.driver.learned([liar.address, seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            #expect(fetcher.image.wronglyRecorded.isEmpty)
            #expect(!fetcher.log.banned.contains(seed.address))
            for peer in [fetcher, liar, seed] { await peer.stop() }
            #expect(await eventually { fetcher.hasAllBuffers })
        }
    }

    /// What a stranger does after it connected.
    enum Misdeed: CaseIterable, Sendable {
        case garbage, otherImage, oversizedLength, impossibleLength, blockTooLong, longBitfield, spareBits,
            manyBitfields, unknownPiece, requestOutside, requestTooLong, unrequestedBlocks, hashesUnasked,
            fastWithoutTheBit, halfAHandshake, requestFlood
    }

    @Test(arguments: Misdeed.allCases)
    func `a peer that breaks the protocol is dropped and others are served`(_ misdeed: Misdeed) async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 1_500_001, pieceLength: 64 << 10, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            async let first = Self.isDropped(by: fetcher.address, misdeed, metainfo, loopback)
            async let second = Self.isDropped(by: seed.address, misdeed, metainfo, loopback)
            let areDropped = try await (first, second)
            #expect(areDropped == (true, true))
            fetcher.driver.learned([seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes) && fetcher.log.banned.isEmpty)
            await fetcher.stop()
            await seed.stop()
            #expect(await eventually { fetcher.hasAllBuffers && seed.hasAllBuffers })
            #expect(fetcher.network.connectionCount + seed.network.connectionCount == 0)
        }
    }

    private static func isDropped(
        by address: PeerAddress, _ misdeed: Misdeed, _ metainfo: Metainfo, _ loopback: Loopback
    ) async throws -> Bool {
        try await loopback.stranger {
            let stranger = try RawPeer(address)
            // The other side may hang up before everything is said.
            try? commit(misdeed, metainfo, stranger)
            return stranger.isDropped()
        }
    }

    private static func commit(_ misdeed: Misdeed, _ metainfo: Metainfo, _ stranger: borrowing RawPeer) throws {
        let pieceCount = metainfo.geometry.pieceCount
        switch misdeed {
        case .garbage: return try stranger.send(Array("GET / HTTP/1.1\r\nHost: drover\r\n\r\n".utf8))
        case .halfAHandshake: return try stranger.send([19] + Array("BitTorrent prot".utf8))
        case .otherImage: return try stranger.shakeHands(InfoHash(SHA1Digest(hashing: [])))
        case .fastWithoutTheBit:
            try stranger.shakeHands(metainfo.infoHash, fast: false)
            return try stranger.send(.haveAll)
        default: try stranger.shakeHands(metainfo.infoHash)
        }
        switch misdeed {
        case .garbage, .halfAHandshake, .otherImage, .fastWithoutTheBit: break
        case .oversizedLength: try stranger.send([0xff, 0xff, 0xff, 0xff, 5])
        case .impossibleLength: try stranger.send([0, 0, 0, 2, 0, 0])
        case .blockTooLong: try stranger.send([0, 4, 0, 0x0a, 7])
        case .longBitfield: try stranger.send(.bitfield([UInt8](repeating: 0, count: (pieceCount + 7) / 8 + 1)))
        case .spareBits: try stranger.send(.bitfield([UInt8](repeating: 0xff, count: (pieceCount + 7) / 8)))
        case .manyBitfields:
            for _ in 0...SwarmLimits().bitfieldsPerTick * 4 { try stranger.send(.haveNone, .haveAll) }
        case .unknownPiece: try stranger.send(.have(UInt32(pieceCount)))
        case .requestOutside:
            try stranger.send(.interested, .request(BlockRequest(piece: 0, begin: 0xffff_ffff, length: 16384)))
        case .requestTooLong: try stranger.send(.request(BlockRequest(piece: 0, begin: 0, length: 16385)))
        case .unrequestedBlocks:
            let block = [UInt8](repeating: 1, count: 16384)
            for _ in 0...SwarmLimits().unrequestedBlocks {
                try stranger.answer(BlockRequest(piece: 0, begin: 0, length: 16384), with: block)
            }
        case .hashesUnasked:
            let range = HashRequest(piecesRoot: metainfo.piecesRoot, baseLayer: 0, index: 0, length: 2, proofLayers: 0)
            try stranger.send(.hashes(range, []))
        case .requestFlood:
            for _ in 0..<3000 { try stranger.send(.request(BlockRequest(piece: 0, begin: 0, length: 16384))) }
        }
    }

    @Test func `a peer that asks without end and never reads is dropped`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 100_000, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            let isDropped = try await loopback.stranger { [address = seed.address] in
                let stranger = try RawPeer(address, receiveBuffer: 4096)
                try stranger.shakeHands(metainfo.infoHash)
                let range = HashRequest(
                    piecesRoot: metainfo.piecesRoot, baseLayer: 0, index: 0, length: 2, proofLayers: 0)
                var buffer: [UInt8] = []
                for _ in 0..<20_000 {
                    buffer += [0, 0, 0, 49, 21] + range.piecesRoot.bytes + [UInt8](repeating: 0, count: 16)
                }
                do {
                    // About 100 MB of questions; each has an answer of the same length.
                    for _ in 0..<100 { try stranger.send(buffer) }
                    return false
                } catch {
                    return true
                }
            }
            #expect(isDropped)
            #expect(await eventually { seed.network.connectionCount == 0 })
            await seed.stop()
        }
    }

    @Test func `a peer that never reads the blocks it asked for cannot keep the buffers`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 40 << 20, pieceLength: 1 << 20, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            var limits = SwarmLimits()
            limits.stallLimit = .seconds(1)
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes), limits: limits)
            let wasServed = try await loopback.stranger { [address = seed.address] in
                let stranger = try RawPeer(address, receiveBuffer: 4096)
                try stranger.shakeHands(metainfo.infoHash)
                try stranger.send(.haveNone, .interested)
                while let (id, _) = try stranger.message(), id != 1 {}
                for piece in UInt32(0)..<30 {
                    for block in UInt32(0)..<64 {
                        try stranger.send(.request(BlockRequest(piece: piece, begin: block * 16384, length: 16384)))
                    }
                }
                var polls = 0
                while seed.network.connectionCount > 0, polls < 1500 {
                    // Keep-alives do not buy time for a peer that reads nothing.
                    try? stranger.send(.keepAlive)
                    stranger.pause()
                    polls += 1
                }
                return seed.network.connectionCount == 0
            }
            #expect(wasServed)
            #expect(await eventually { seed.hasAllBuffers })
            await seed.stop()
        }
    }

    @Test func `a peer that meets itself hangs up and does not dial itself again`() async throws {
        try await Loopback.run { loopback in
            let image = try TestImage(size: 200_000, zeros: false)
            let metainfo = try Metainfo(torrent: image.torrent())
            let fetcher = try await TestPeer(loopback, metainfo, image: MemoryImage(metainfo))
            let seed = try await TestPeer(
                loopback, metainfo, have: Bitfield(full: metainfo.geometry),
                image: MemoryImage(metainfo, bytes: image.bytes))
            fetcher.driver.learned([fetcher.address])
            #expect(await eventually { fetcher.network.connectionCount == 0 })
            #expect(await fetcher.driver.summary().swarm.peers.isEmpty)
            fetcher.driver.learned([fetcher.address, seed.address])
            #expect(await eventually { fetcher.log.completions == 1 })
            #expect(fetcher.image.holds(image.bytes))
            await fetcher.stop()
            await seed.stop()
        }
    }
}
