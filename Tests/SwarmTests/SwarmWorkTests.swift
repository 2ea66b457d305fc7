// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing

/// Who fetches what.
@Suite struct SwarmWorkTests {
    @Test func `the rarest piece is begun first`() throws {
        var scene = try SwarmScene()
        try scene.connect(1)
        try scene.connect(2, pieces: [0, 1, 3])
        try scene.connect(3, pieces: [0, 3])
        #expect(scene.work(1).map(\.piece.number) == [2])
        #expect(scene.work(1).map(\.piece.number) == [1])
    }

    @Test func `hosts choose differently among equally rare pieces`() throws {
        var first: Set<Int> = []
        for host in UInt8(101)...116 {
            var scene = try SwarmScene(size: 48 << 18, pieceLength: 1 << 18, ownID: host)
            scene.random.state = UInt64(host)
            try scene.connect(1)
            first.insert(try #require(scene.work(1, blocks: 16).first).piece.number)
        }
        #expect(first.count > 8)
    }

    @Test func `no extent is given to two peers while others are free, and none is left over`() throws {
        var scene = try SwarmScene(size: (7 << 20) + 5, pieceLength: 2 << 20)
        for peer in 1...3 { try scene.connect(UInt64(peer)) }
        var given: [Extent] = []
        for round in 0..<12 { given += scene.work(UInt64(round % 3 + 1), blocks: 16) }
        #expect(given.count == 8)
        #expect(Set(given).count == 8)
        #expect(given.reduce(0) { $0 + $1.length } == (7 << 20) + 5)
        #expect(scene.swarm.audit() == [])
    }

    @Test func `what a gone peer was fetching goes to those who wait`() throws {
        var scene = try SwarmScene(size: 1 << 20)
        try scene.connect(1)
        try scene.connect(2)
        let extents = scene.work(1)
        #expect(scene.work(2).isEmpty)
        let effects = scene.swarm.disconnected(scene.id(1), now: scene.now)
        #expect(SwarmScene.assigned(effects, to: 2) == extents)
    }

    @Test func `no more pieces begin than may be under way, and the next one begins when one is here`() throws {
        var limits = SwarmLimits()
        limits.piecesUnderWay = 3
        limits.bytesUnderWay = 0
        var scene = try SwarmScene(size: 8 << 20, limits: limits)
        for peer in UInt64(1)...5 { try scene.connect(peer, pieces: Array(0..<7)) }
        let begun = (UInt64(1)...3).flatMap { scene.work($0) }
        #expect(Set(begun.map(\.piece)).count == 3)
        #expect(scene.work(4).isEmpty && scene.work(5).isEmpty)
        // Whoever has waited longest is next.
        let effects = scene.deliver(try #require(begun.first), from: 1)
        #expect(SwarmScene.assigned(effects, to: 4).count == 1 && SwarmScene.assigned(effects, to: 5).isEmpty)
        // What takes long holds nobody up.
        scene.now += limits.pieceTerm + .milliseconds(1)
        #expect(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 5).count == 1)
        #expect(scene.swarm.audit() == [])
    }

    @Test func `who has everything and is spared may be asked for more than may be under way`() throws {
        var limits = SwarmLimits()
        limits.piecesUnderWay = 1
        limits.bytesUnderWay = 0
        var scene = try SwarmScene(size: 8 << 20, limits: limits)
        try scene.connect(1)
        for peer in UInt64(2)...5 { try scene.connect(peer, pieces: [0, 1, 2]) }
        #expect(scene.work(2).count == 1)
        #expect(scene.work(3).isEmpty)
        #expect(scene.work(1).count == 1)
    }

    @Test func `a peer that withdraws its hunger is given nothing`() throws {
        var scene = try SwarmScene(size: 1 << 20)
        try scene.connect(1)
        try scene.connect(2)
        let extents = scene.work(1)
        _ = scene.work(2)
        scene.report(.hungry(blocks: 0), from: 2)
        #expect(SwarmScene.assigned(scene.report(.returned(extents), from: 1), to: 2).isEmpty)
    }

    @Test func `in the endgame the first to fill stores and the other is cancelled`() throws {
        var scene = try SwarmScene(size: 1 << 20)
        try scene.connect(1)
        try scene.connect(2)
        let extent = try #require(scene.work(1).first)
        #expect(scene.work(2).isEmpty)
        scene.now += .seconds(2)
        #expect(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 2) == [extent])
        let effects = scene.report(.filled(extent), from: 2)
        #expect(effects == [.command(scene.id(2), .store(extent)), .command(scene.id(1), .cancel(extent))])
        #expect(scene.report(.filled(extent), from: 1) == [.command(scene.id(1), .cancel(extent))])
        let hashes = scene.image.hashes(of: Loan(extent))
        #expect(scene.swarm.stored(extent, hashes: hashes, by: scene.id(1), now: scene.now).isEmpty)
        #expect(scene.swarm.stored(extent, hashes: hashes, by: scene.id(2), now: scene.now).contains(.fact(.completed)))
    }

    @Test func `two dead-slow peers cannot keep the last extent from a third`() throws {
        var scene = try SwarmScene(size: 1 << 20)
        for peer in 1...3 { try scene.connect(UInt64(peer)) }
        let extent = try #require(scene.work(1).first)
        _ = scene.work(2)
        scene.now += .seconds(2)
        #expect(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 2) == [extent])
        #expect(scene.work(3).isEmpty)
        scene.now += .seconds(5)
        #expect(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 3) == [extent])
    }

    @Test func `an extent whose store came to nothing is fetched again`() throws {
        var scene = try SwarmScene(size: 1 << 20)
        try scene.connect(1)
        try scene.connect(2)
        let extent = try #require(scene.work(1).first)
        scene.report(.filled(extent), from: 1)
        _ = scene.work(2)
        _ = scene.swarm.disconnected(scene.id(1), now: scene.now)
        #expect(scene.work(2).isEmpty, "the write may still be under way")
        let effects = scene.swarm.storeFailed(extent, by: scene.id(1), now: scene.now)
        #expect(SwarmScene.assigned(effects, to: 2) == [extent])
    }

    @Test(arguments: zip([1, 65 << 14, 100 << 14, (5 << 20) + 1] as [Int64], [1 << 18, 2 << 20, 4 << 20, 4 << 20]))
    func `images of odd lengths complete`(size: Int64, pieceLength: Int) throws {
        var scene = try SwarmScene(size: size, pieceLength: pieceLength)
        try scene.connect(1)
        var facts: [Swarm.Effect] = []
        for _ in 0..<20 { for extent in scene.work(1) { facts += scene.deliver(extent, from: 1) } }
        #expect(facts.contains(.fact(.completed)))
        #expect(facts.contains(.command(scene.id(1), .close(.bothComplete))))
    }
}
