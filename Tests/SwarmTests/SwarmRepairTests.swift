// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing
import TrackerProtocol

/// A piece that is wrong and whose leaves can be had: only its wrong blocks are fetched again, and only those who brought
/// them are cut.
@Suite struct SwarmRepairTests {
    private func banned(_ effects: [Swarm.Effect]) -> [Int] {
        effects.compactMap { effect in
            guard case .fact(.peerBanned(let address)) = effect else { return nil }
            return address.host.bytes.last.map { Int($0) }
        }
    }

    /// A piece of two extents: peer 1 brought the first, right, and peer 2 the second with blocks 3 and 40 wrong. Peer 3
    /// is asked for its leaves.
    private func sceneWithALiar() throws -> (SwarmScene, [Extent]) {
        var scene = try SwarmScene(size: 2 << 20, pieceLength: 2 << 20)
        for number: UInt64 in [1, 2, 3] { try scene.connect(number) }
        let extents = scene.work(1, blocks: 128)
        try #require(extents.count == 2)
        scene.report(.returned([extents[1]]), from: 1)
        #expect(scene.work(2) == [extents[1]])
        scene.deliver(extents[0], from: 1)
        let effects = scene.deliver(Loan(extents[1]), from: 2, wrong: 1 << 3 | 1 << 40)
        #expect(effects.contains(.command(scene.id(3), .askLeaves(of: extents[0].piece))))
        #expect(banned(effects) == [])
        #expect(scene.swarm.audit() == [])
        return (scene, extents)
    }

    @Test func `the leaves convict who brought a wrong block, and only that is fetched again`() throws {
        var (scene, extents) = try sceneWithALiar()
        let piece = extents[0].piece
        let effects = scene.report(.leaves(piece, scene.image.leaves(of: piece)), from: 3)
        #expect(banned(effects) == [2])
        #expect(effects.contains(.command(scene.id(2), .close(.violation(.wrongData)))))
        #expect(scene.swarm.audit() == [])
        let wrong: UInt64 = 1 << 3 | 1 << 40
        #expect(scene.loans(1) == [Loan(extents[1], blocks: wrong)])
        let end = scene.deliver(Loan(extents[1], blocks: wrong), from: 1, wrong: 0)
        #expect(end.contains(.fact(.completed)))
        #expect(banned(end) == [])
    }

    @Test func `whoever brings a wrong block of a known leaf is cut at once, and the right ones stay`() throws {
        var (scene, extents) = try sceneWithALiar()
        let piece = extents[0].piece
        scene.report(.leaves(piece, scene.image.leaves(of: piece)), from: 3)
        let loan = try #require(scene.loans(1).first)
        let effects = scene.deliver(loan, from: 1, wrong: 1 << 40)
        #expect(banned(effects) == [1])
        #expect(scene.swarm.audit() == [])
        let rest = try #require(scene.loans(3).first)
        #expect(rest == Loan(extents[1], blocks: 1 << 40))
        #expect(scene.deliver(rest, from: 3, wrong: 0).contains(.fact(.completed)))
    }

    @Test func `a single source is cut at once, and its right blocks stay`() throws {
        var scene = try SwarmScene(size: 1 << 20, pieceLength: 1 << 20)
        try scene.connect(1)
        let extent = try #require(scene.work(1).first)
        let effects = scene.deliver(Loan(extent), from: 1, wrong: 1)
        #expect(banned(effects) == [1])
        #expect(!effects.contains { if case .command(_, .askLeaves) = $0 { true } else { false } })
        // Nobody has the piece now; the next one who does is asked.
        try scene.connect(2)
        #expect(scene.work(2).isEmpty)
        let tick = scene.swarm.tick(now: scene.now)
        #expect(tick.contains(.command(scene.id(2), .askLeaves(of: extent.piece))))
        let leaves = scene.report(.leaves(extent.piece, scene.image.leaves(of: extent.piece)), from: 2)
        #expect(SwarmScene.loans(leaves, to: 2) == [Loan(extent, blocks: 1)])
        #expect(scene.deliver(Loan(extent, blocks: 1), from: 2, wrong: 0).contains(.fact(.completed)))
    }

    @Test func `whoever does not give the leaves, or leaves, is followed by another`() throws {
        var (scene, extents) = try sceneWithALiar()
        let piece = extents[0].piece
        #expect(
            scene.report(.leavesRefused(piece), from: 3).contains(.command(scene.id(1), .askLeaves(of: piece))))
        // Somebody who is not being asked any more has no say.
        #expect(scene.report(.leaves(piece, []), from: 3) == [])
        let effects = scene.swarm.disconnected(scene.id(1), now: scene.now)
        #expect(effects.contains(.command(scene.id(2), .askLeaves(of: piece))))
        #expect(scene.swarm.audit() == [])
    }

    @Test func `a peer that gives wrong hashes is cut`() throws {
        var (scene, extents) = try sceneWithALiar()
        let effects = scene.report(.leavesWrong(extents[0].piece), from: 3)
        #expect(banned(effects) == [3])
        #expect(effects.contains(.command(scene.id(3), .close(.violation(.wrongHashes)))))
        #expect(effects.contains(.command(scene.id(1), .askLeaves(of: extents[0].piece))))
    }

    @Test func `leaves that come after the piece was fetched from one peer in vain still help`() throws {
        var (scene, extents) = try sceneWithALiar()
        let piece = extents[0].piece
        for number: UInt64 in [3, 1, 2] { scene.report(.leavesRefused(piece), from: number) }
        #expect(scene.work(3) == extents)
        scene.deliver(extents[0], from: 3, isRight: false)
        let effects = scene.deliver(extents[1], from: 3)
        #expect(banned(effects) == [3])
        let leaves = scene.report(.leaves(piece, scene.image.leaves(of: piece)), from: 1)
        #expect(banned(leaves) == [2])
        #expect(scene.loans(1) == [Loan(extents[0])])
        #expect(scene.deliver(extents[0], from: 1).contains(.fact(.completed)))
        #expect(scene.swarm.audit() == [])
    }

    @Test func `only so many pieces are in dispute at one time`() throws {
        var limits = SwarmLimits()
        limits.disputes = 1
        var scene = try SwarmScene(size: 2 << 20, pieceLength: 1 << 20, limits: limits)
        for number: UInt64 in [1, 2, 3] { try scene.connect(number) }
        let first = try #require(scene.work(1).first)
        let second = try #require(scene.work(2).first)
        scene.deliver(first, from: 1, isRight: false)
        let effects = scene.deliver(second, from: 2, isRight: false)
        #expect(!effects.contains(.command(scene.id(3), .askLeaves(of: second.piece))))
        #expect(scene.loans(3) == [Loan(second)])
        #expect(scene.swarm.audit() == [])
    }

    @Test func `a piece of one block needs no leaves`() throws {
        var scene = try SwarmScene(size: 16384, pieceLength: 16384)
        try scene.connect(1)
        try scene.connect(2)
        let extent = try #require(scene.work(1).first)
        #expect(banned(scene.deliver(extent, from: 1, isRight: false)) == [1])
        #expect(scene.work(2) == [extent])
        #expect(scene.deliver(extent, from: 2).contains(.fact(.completed)))
    }
}
