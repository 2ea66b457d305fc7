// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing

/// How a few seeds are spared: what somebody fetches from one is not fetched there again.
@Suite struct SwarmClaimsTests {
    /// A seed, number 1, and three others that have nothing and serve this side.
    private func scene(_ pieces: Int = 4) throws -> SwarmScene {
        var scene = try SwarmScene(size: Int64(pieces) << 20)
        try scene.connect(1)
        for peer in UInt64(2)...4 {
            try scene.connect(peer, pieces: [])
            scene.report(.serves(true), from: peer)
        }
        return scene
    }

    private func pieces(_ numbers: Int..., in scene: SwarmScene) -> [PieceIndex] {
        numbers.compactMap { scene.image.geometry.piece($0) }
    }

    @Test func `what is fetched from a seed is said to those who lack it`() throws {
        var scene = try scene()
        let effects = scene.report(.hungry(blocks: 64), from: 1)
        let begun = try #require(SwarmScene.assigned(effects, to: 1).first).piece
        for peer in UInt64(2)...4 { #expect(effects.contains(.command(scene.id(peer), .claim([begun])))) }
        #expect(!effects.contains(.command(scene.id(1), .claim([begun]))))
    }

    @Test func `what others claim is not asked of the seed, until their word is old or nobody brings it`() throws {
        var scene = try scene()
        scene.report(.claims(pieces(0, 1, 2, in: scene)), from: 2)
        #expect(scene.work(1).map(\.piece.number) == [3])
        #expect(scene.work(1).isEmpty)
        scene.now += .seconds(2)
        #expect(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 1).isEmpty)
        // After three seconds in which it could have taken something from the seed, it does.
        scene.now += .seconds(1)
        #expect(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 1).count == 1)
        #expect(scene.swarm.audit() == [])
    }

    @Test func `a claim ends with the peer, with its term and with the piece`() throws {
        var left = try scene()
        left.report(.claims(pieces(0, 1, 2, 3, in: left)), from: 2)
        #expect(left.work(1).isEmpty)
        // With two others left the seed is not spared any more, and a fourth one brings that back.
        try left.connect(5, pieces: [])
        #expect(SwarmScene.assigned(left.swarm.disconnected(left.id(2), now: left.now), to: 1).count == 1)

        var old = try scene()
        old.report(.claims(pieces(0, 1, 2, 3, in: old)), from: 2)
        // Saying it again does not make it last longer.
        old.now += .seconds(9)
        old.report(.claims(pieces(0, in: old)), from: 2)
        old.now += .seconds(2)
        _ = old.swarm.tick(now: old.now)
        #expect(old.work(1).count == 1)
        // Who did not keep its word is not listened to again.
        old.report(.claims(pieces(0, 1, 2, 3, in: old)), from: 2)
        #expect(old.work(1).count == 1)
        #expect(old.swarm.audit() == [])
    }

    @Test func `nobody's words hold a fetch up for long`() throws {
        var scene = try scene(64)
        var taken = 0
        for step in 0..<80 {
            scene.now += .milliseconds(500)
            // A new claim for whatever is free, each time one of the old ones has ended.
            scene.report(.claims(scene.image.geometry.pieces.map { $0 }), from: 2)
            scene.report(.claims(scene.image.geometry.pieces.map { $0 }), from: UInt64(3 + step % 2))
            let effects = scene.swarm.tick(now: scene.now) + scene.report(.hungry(blocks: 64), from: 1)
            for extent in SwarmScene.assigned(effects, to: 1) {
                taken += 1
                scene.deliver(extent, from: 1)
            }
        }
        #expect(taken == 64)
    }

    @Test func `what somebody else has and serves is left to them`() throws {
        var scene = try scene()
        for piece in pieces(0, 1, 2, in: scene) { scene.report(.gained(piece), from: 3) }
        // Somebody's word alone is nothing.
        scene.now += .seconds(1)
        scene.report(.traffic(received: 1 << 20, sent: 0), from: 3)
        _ = scene.swarm.tick(now: scene.now)
        #expect(scene.work(1).map(\.piece.number) == [3])
        #expect(scene.work(1).isEmpty)
        #expect(scene.work(3).count == 1)
        // From one that does not serve this side nothing comes.
        scene.report(.serves(false), from: 3)
        #expect(scene.work(1).count == 1)
    }

    @Test func `many seeds are not spared`() throws {
        var scene = try scene()
        try scene.connect(5)
        scene.report(.claims(pieces(0, 1, 2, 3, in: scene)), from: 2)
        #expect(scene.work(1).count == 1)
    }

    @Test func `a piece that others have is announced along with something else, one that few have at once`() throws {
        var scene = try SwarmScene(size: 2 << 20)
        for peer in UInt64(1)...6 { try scene.connect(peer, pieces: peer < 5 ? [0] : peer == 5 ? [1] : []) }
        let common = try #require(scene.work(1).first)
        let effects = scene.deliver(common, from: 1)
        #expect(effects.contains(.command(scene.id(6), .mention(common.piece))))
        #expect(!effects.contains(.command(scene.id(2), .mention(common.piece))))
        // The last one completes this side, which is news for everybody.
        let rare = try #require(scene.work(5).first)
        #expect(scene.deliver(rare, from: 5).contains(.command(scene.id(6), .have(rare.piece))))
    }
}
