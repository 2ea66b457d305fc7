// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing
import TrackerProtocol

/// What stands in which rack: little is fetched from other racks twice, and what goes there comes first.
@Suite struct SwarmRackTests {
    /// This side stands in rack a, with peers 1 to 4; peers 5 and 6 stand in rack b. All serve this side and have nothing. One
    /// piece more, the last, is at nobody's.
    private func scene(_ pieces: Int) throws -> SwarmScene {
        var limits = SwarmLimits()
        limits.piecesUnderWay = pieces + 1
        var scene = try SwarmScene(size: Int64(pieces + 1) << 20, rack: "a", limits: limits)
        for peer in UInt64(1)...6 {
            try scene.connect(peer, pieces: [])
            scene.report(.stands(in: try #require(RackName(peer < 5 ? "a" : "b"))), from: peer)
            scene.report(.serves(true), from: peer)
        }
        return scene
    }

    private func piece(_ number: Int, in scene: SwarmScene) throws -> PieceIndex {
        try #require(scene.image.geometry.piece(number))
    }

    private func gain(_ numbers: Int..., by peer: UInt64, in scene: inout SwarmScene) throws {
        for number in numbers { scene.report(.gained(try piece(number, in: scene)), from: peer) }
    }

    /// What a peer is asked for, until there is nothing more.
    private func take(from peer: UInt64, in scene: inout SwarmScene) -> Set<Int> {
        var taken: Set<Int> = []
        while let extent = scene.work(peer).first { taken.insert(extent.piece.number) }
        return taken
    }

    /// Lets what nobody has begun lie for so long that anybody takes it, while peer 1 brings the last piece.
    /// - Returns: what peer 5 is asked for meanwhile.
    @discardableResult
    private func wait(in scene: inout SwarmScene) throws -> Set<Int> {
        var taken: Set<Int> = []
        let last = scene.image.geometry.pieceCount - 1
        try gain(last, by: 1, in: &scene)
        #expect(scene.work(1).contains { $0.piece.number == last })
        for _ in 0..<2 {
            scene.now += .milliseconds(500)
            taken.formUnion(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 5).map(\.piece.number))
        }
        return taken
    }

    @Test func `what a rack has or brings in is not asked of another rack`() throws {
        var scene = try scene(4)
        try gain(0, 1, 2, 3, by: 5, in: &scene)
        try gain(0, by: 2, in: &scene)
        #expect(scene.work(2).map(\.piece.number) == [0])
        let claimed = try piece(1, in: scene)
        scene.report(.claims([claimed]), from: 3)
        // That others of that rack fetch something says nothing.
        let foreign = try piece(2, in: scene)
        scene.report(.claims([foreign]), from: 6)
        try wait(in: &scene)
        #expect(take(from: 5, in: &scene) == [2, 3])
        #expect(scene.swarm.audit() == [])
    }

    @Test func `a claim inside the rack holds until somebody in the rack has the piece, or it ends`() throws {
        var scene = try scene(2)
        try gain(0, 1, by: 5, in: &scene)
        let claimed = try piece(0, in: scene)
        scene.report(.claims([claimed]), from: 2)
        try gain(0, by: 6, in: &scene)
        try wait(in: &scene)
        #expect(take(from: 5, in: &scene) == [1])
        try gain(0, by: 2, in: &scene)
        #expect(scene.work(6).isEmpty)
        #expect(scene.work(2).map(\.piece.number) == [0])

        // Who claimed it and is gone brings nothing.
        var left = try self.scene(1)
        try gain(0, by: 5, in: &left)
        left.report(.claims([claimed]), from: 2)
        #expect(left.work(5).isEmpty)
        #expect(SwarmScene.assigned(left.swarm.disconnected(left.id(2), now: left.now), to: 5).count == 1)
        #expect(left.swarm.audit() == [])
    }

    @Test func `those of a rack that fetch elsewhere divide the pieces, and what one leaves lying is anybody's`() throws
    {
        var scene = try scene(40)
        for number in 0..<40 { try gain(number, by: 5, in: &scene) }
        // Another one fetches elsewhere, as its words say.
        let other = try piece(40, in: scene)
        scene.report(.claims([other]), from: 2)
        _ = scene.swarm.tick(now: scene.now)
        let own = take(from: 5, in: &scene)
        #expect((10...30).contains(own.count))
        let rest = Set(0..<40).subtracting(own)
        let claimed = try piece(try #require(rest.min()), in: scene)
        scene.report(.claims([claimed]), from: 2)
        let first = try wait(in: &scene)
        #expect(first.union(take(from: 5, in: &scene)) == rest.subtracting([claimed.number]))
        #expect(scene.swarm.audit() == [])
    }

    @Test func `what is brought in is said to the rack once, and then to those who fetch elsewhere as well`() throws {
        var scene = try scene(3)
        try gain(0, 1, 2, by: 5, in: &scene)
        func told() throws -> [UInt64] {
            let effects = scene.report(.hungry(blocks: 64), from: 5)
            let begun = try #require(SwarmScene.assigned(effects, to: 5).first).piece
            return (1...6).filter { effects.contains(.command(scene.id($0), .claim([begun]))) }
        }
        #expect(try told() == [1, 2, 3, 4])
        #expect(try told() == [])
        let other = try piece(3, in: scene)
        scene.report(.claims([other]), from: 2)
        try wait(in: &scene)
        #expect(try told() == [2])
    }

    @Test func `peers that name no rack bring nothing into one`() throws {
        var scene = try scene(2)
        try scene.connect(7, pieces: [0])
        let claimed = try piece(1, in: scene)
        scene.report(.claims([claimed]), from: 7)
        try gain(0, 1, by: 5, in: &scene)
        #expect(take(from: 5, in: &scene) == [0, 1])
    }

    @Test func `who has everything brings nothing any more`() throws {
        var scene = try scene(40)
        for number in 0..<40 { try gain(number, by: 5, in: &scene) }
        let other = try piece(40, in: scene)
        scene.report(.claims([other]), from: 2)
        scene.report(.pieces(Bitfield(full: scene.image.geometry)), from: 2)
        // One of few who have everything does not count as having it for the rack.
        _ = scene.swarm.tick(now: scene.now)
        #expect(take(from: 5, in: &scene).count == 40)
    }

    @Test func `a rack that has everything already is enough`() throws {
        var scene = try SwarmScene(size: 4 << 20, rack: "a")
        for peer in UInt64(1)...6 {
            try scene.connect(peer)
            scene.report(.stands(in: try #require(RackName(peer < 5 ? "a" : "b"))), from: peer)
        }
        #expect(scene.work(5).isEmpty)
        #expect(scene.work(1).count == 1)
    }

    @Test func `nobody in the rack can hold a fetch up by what it says to have`() throws {
        var scene = try scene(2)
        try gain(0, 1, by: 5, in: &scene)
        try gain(0, 1, by: 1, in: &scene)
        scene.report(.serves(false), from: 1)
        #expect(scene.work(5).isEmpty)
        // Nothing is under way: a tenth of a second later it is asked for all the same.
        scene.now += .milliseconds(100)
        #expect(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 5).count == 1)
    }

    @Test(arguments: [(1, 60, true), (2, 60, false), (3, 60, false), (3, 1, true)])
    func `who waits for its rack asks another one after ten seconds, unless it has enough that is fast under way`(
        _ underWay: Int, _ term: Int, _ asks: Bool
    ) throws {
        var limits = SwarmLimits()
        (limits.piecesUnderWay, limits.bytesUnderWay, limits.pieceTerm) = (4, 4 << 20, .seconds(term))
        var scene = try SwarmScene(size: 8 << 20, rack: "a", limits: limits)
        for (peer, rack) in [(UInt64(1), "a"), (2, "a"), (5, "b")] {
            try scene.connect(peer, pieces: peer == 1 ? Array(0..<underWay) : [7])
            scene.report(.stands(in: try #require(RackName(rack))), from: peer)
        }
        scene.report(.serves(true), from: 1)
        scene.report(.serves(true), from: 5)
        #expect(take(from: 1, in: &scene).count == underWay)
        #expect(scene.work(5).isEmpty)
        scene.now += .seconds(2)
        #expect(scene.work(5).isEmpty)
        scene.now += .seconds(10)
        #expect(scene.work(5).isEmpty != asks)
    }

    @Test func `peers of the own rack have half of the slots while another rack wants something`() throws {
        var limits = SwarmLimits()
        limits.uploadSlots = 5
        var scene = try SwarmScene(have: [0, 1, 2, 3], rack: "a", limits: limits)
        func unchoked(_ effects: [Swarm.Effect]) -> Int {
            effects.count { if case .command(_, .setChoking(false)) = $0 { true } else { false } }
        }
        func choked(_ effects: [Swarm.Effect]) -> Int {
            effects.count { if case .command(_, .setChoking(true)) = $0 { true } else { false } }
        }
        for peer in UInt64(1)...10 {
            try scene.connect(peer, pieces: [])
            scene.report(.stands(in: try #require(RackName(peer < 7 ? "a" : "b"))), from: peer)
        }
        var effects = (UInt64(1)...6).flatMap { scene.report(.interested(true), from: $0) }
        #expect(unchoked(effects) == 5 && choked(effects) == 0)
        effects = (UInt64(7)...10).flatMap { scene.report(.interested(true), from: $0) }
        #expect(unchoked(effects) == 3 && choked(effects) == 3)
        for peer in UInt64(7)...10 { effects += scene.report(.interested(false), from: peer) }
        #expect(unchoked(effects) - choked(effects) == 0)
    }
}
