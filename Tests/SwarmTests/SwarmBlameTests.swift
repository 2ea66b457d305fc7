// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing

/// Who is held responsible for wrong bytes, and how the piece comes together all the same.
@Suite struct SwarmBlameTests {
    @Test func `a piece that came wrong from one peer convicts it`() throws {
        var scene = try SwarmScene()
        try scene.connect(1)
        let extent = try #require(scene.work(1).first)
        let effects = scene.deliver(extent, from: 1, isRight: false)
        #expect(effects.contains(.fact(.pieceMismatched(extent.piece))))
        #expect(effects.contains(.fact(.peerBanned(try SwarmScene.address(1, port: 40000)))))
        #expect(effects.contains(.command(scene.id(1), .close(.violation(.wrongData)))))
        #expect(try scene.connect(2, peer: 1).contains(.command(scene.id(2), .close(.banned))))
        #expect(scene.swarm.audit() == [])
    }

    /// A piece of two extents, one of them from a liar: peers 1 and 2 brought it, it is wrong, and nobody gives its
    /// leaves.
    private func sceneWithTwoSources() throws -> (SwarmScene, [Extent]) {
        var scene = try SwarmScene(size: 2 << 20, pieceLength: 2 << 20)
        try scene.connect(1)
        try scene.connect(2)
        let extents = scene.work(1, blocks: 128)
        try #require(extents.count == 2)
        scene.report(.returned([extents[1]]), from: 1)
        #expect(scene.work(2) == [extents[1]])
        scene.deliver(extents[0], from: 1)
        var effects = scene.deliver(extents[1], from: 2, isRight: false)
        #expect(effects.contains(.fact(.pieceMismatched(extents[0].piece))))
        #expect(effects.contains(.command(scene.id(1), .askLeaves(of: extents[0].piece))))
        for number: UInt64 in [1, 2] { effects += scene.report(.leavesRefused(extents[0].piece), from: number) }
        #expect(!effects.contains { if case .fact(.peerBanned) = $0 { true } else { false } })
        return (scene, extents)
    }

    @Test func `a piece that came wrong from two peers is fetched from one, which convicts the other`() throws {
        var (scene, extents) = try sceneWithTwoSources()
        #expect(scene.work(1) == extents)
        #expect(scene.work(2).isEmpty)
        scene.deliver(extents[0], from: 1)
        let effects = scene.deliver(extents[1], from: 1)
        #expect(effects.contains(.fact(.pieceVerified(extents[0].piece))))
        #expect(effects.contains(.fact(.peerBanned(try SwarmScene.address(2, port: 40000)))))
        #expect(!effects.contains(.fact(.peerBanned(try SwarmScene.address(1, port: 40000)))))
    }

    @Test func `a sole source that brings nothing for long loses the piece to another`() throws {
        var (scene, extents) = try sceneWithTwoSources()
        #expect(scene.work(2) == extents)
        #expect(scene.work(1).isEmpty)
        scene.now += scene.swarm.limits.soleSourcePatience + .seconds(1)
        let effects = scene.swarm.tick(now: scene.now)
        #expect(effects.contains(.command(scene.id(2), .cancel(extents[0]))))
        #expect(SwarmScene.assigned(effects, to: 1) == extents)
        #expect(scene.swarm.audit() == [])
    }

    @Test func `a sole source that gave its work back does not keep the piece from others`() throws {
        var (scene, extents) = try sceneWithTwoSources()
        #expect(scene.work(2) == extents)
        scene.report(.returned(extents), from: 2)
        #expect(scene.work(1) == extents)
    }

    @Test func `a write of a sole source that is gone does not mix with the next one's`() throws {
        var (scene, extents) = try sceneWithTwoSources()
        #expect(scene.work(2) == extents)
        scene.report(.filled(extents[0]), from: 2)
        _ = scene.swarm.disconnected(scene.id(2), now: scene.now)
        #expect(scene.work(1) == [extents[1]])
        let hashes = scene.image.hashes(of: Loan(extents[0]), wrong: 1)
        _ = scene.swarm.stored(extents[0], hashes: hashes, by: scene.id(2), now: scene.now)
        #expect(scene.work(1) == [extents[0]])
        scene.deliver(extents[1], from: 1)
        #expect(scene.deliver(extents[0], from: 1).contains(.fact(.completed)))
    }

    @Test func `a liar that leaves before its lie is found out is banned all the same`() throws {
        var scene = try SwarmScene()
        try scene.connect(1)
        let extent = try #require(scene.work(1).first)
        scene.report(.filled(extent), from: 1)
        _ = scene.swarm.disconnected(scene.id(1), now: scene.now)
        let hashes = scene.image.hashes(of: Loan(extent), wrong: 1)
        let effects = scene.swarm.stored(extent, hashes: hashes, by: scene.id(1), now: scene.now)
        #expect(effects.contains(.fact(.peerBanned(try SwarmScene.address(1, port: 40000)))))
    }
}
