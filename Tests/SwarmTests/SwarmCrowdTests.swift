// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing

/// Who is served last, and who makes room, when there are more peers than places.
@Suite struct SwarmCrowdTests {
    private func piece(_ number: Int, _ scene: SwarmScene) throws -> PieceIndex {
        try #require(scene.image.geometry.piece(number))
    }

    /// Peers that are being served after these effects, of those that were before.
    private func served(_ before: Set<UInt64>, _ effects: [Swarm.Effect]) -> Set<UInt64> {
        effects.reduce(into: before) { served, effect in
            guard case .command(let id, .setChoking(let isChoking)) = effect else { return }
            if isChoking { served.remove(id.number) } else { served.insert(id.number) }
        }
    }

    /// A seed with six peers, each of which was the first to be given eight pieces. For what the first two were given the
    /// others come as well.
    private func crowd(slots: Int) throws -> (SwarmScene, Set<UInt64>) {
        var limits = SwarmLimits()
        limits.uploadSlots = slots
        var scene = try SwarmScene(size: 48 << 18, pieceLength: 1 << 18, have: Array(0..<48), limits: limits)
        var serving: Set<UInt64> = []
        for peer in UInt64(1)...6 {
            try scene.connect(peer, pieces: [])
            serving = served(serving, scene.report(.interested(true), from: peer))
        }
        for number in 0..<48 {
            let holder = UInt64(number % 6 + 1)
            let piece = try piece(number, scene)
            scene.report(.gives(piece), from: holder)
            if holder <= 2 { scene.report(.gives(piece), from: UInt64(number % 4) + 3) }
        }
        return (scene, serving)
    }

    @Test func `peers that pass on nothing share one slot while others take what there is`() throws {
        var (scene, serving) = try crowd(slots: 5)
        for second in 1...40 {
            scene.now += .seconds(1)
            // Everybody who is served takes something, so that the slots go round.
            for peer in serving { scene.report(.traffic(received: 0, sent: 5 << 20), from: peer) }
            serving = served(serving, scene.swarm.tick(now: scene.now))
            guard second > 10 else { continue }
            #expect(serving.isSuperset(of: [3, 4, 5, 6]))
            #expect(serving.intersection([1, 2]).count == 1)
        }
        #expect(scene.swarm.audit() == [])
    }

    @Test func `peers that pass on nothing are served when nobody else takes anything`() throws {
        var (scene, serving) = try crowd(slots: 5)
        scene.now += .seconds(10)
        serving = served(serving, scene.swarm.tick(now: scene.now))
        for peer in UInt64(3)...6 { serving = served(serving, scene.report(.interested(false), from: peer)) }
        #expect(serving == [1, 2])
    }

    @Test func `one host alone cannot have others served last`() throws {
        var limits = SwarmLimits()
        limits.uploadSlots = 5
        var scene = try SwarmScene(size: 32 << 18, pieceLength: 1 << 18, have: Array(0..<32), limits: limits)
        for peer in UInt64(1)...6 { try scene.connect(peer, pieces: []) }
        // The sixth asks for a block of everything that the first two are given.
        for number in 0..<32 {
            scene.report(.gives(try piece(number, scene)), from: UInt64(number % 2 + 1))
            scene.report(.gives(try piece(number, scene)), from: 6)
        }
        var serving: Set<UInt64> = []
        for peer in UInt64(1)...6 { serving = served(serving, scene.report(.interested(true), from: peer)) }
        #expect(serving == [1, 2, 3, 4, 5])
    }

    @Test func `on a seed the peer that wants nothing makes room at once, one that fetches stays`() throws {
        var limits = SwarmLimits()
        limits.connections = 2
        var scene = try SwarmScene(have: [0, 1, 2, 3], limits: limits)
        try scene.connect(1, pieces: [])
        try scene.connect(2, pieces: [])
        scene.report(.interested(true), from: 1)
        #expect(try scene.connect(3, pieces: []).contains(.command(scene.id(2), .close(.tooManyConnections))))
        scene.report(.interested(true), from: 3)
        #expect(try scene.connect(4, pieces: []).contains(.command(scene.id(4), .close(.tooManyConnections))))
        #expect(scene.swarm.audit() == [])
    }

    @Test
    func `while this side fetches, peers that have nothing new stay for a while, and do not keep it from dialling`()
        throws
    {
        var limits = SwarmLimits()
        limits.connections = 2
        limits.connectionsSought = 2
        var scene = try SwarmScene(limits: limits)
        try scene.connect(1, pieces: [])
        try scene.connect(2, pieces: [])
        let address = try SwarmScene.address(3)
        #expect(scene.swarm.learned([address], now: scene.now).isEmpty)
        #expect(try scene.connect(9, pieces: []).contains(.command(scene.id(9), .close(.tooManyConnections))))
        scene.now += limits.idlePatience + .seconds(1)
        #expect(scene.swarm.tick(now: scene.now).contains(.dial(address)))
        #expect(try scene.connect(3, here: true).contains(.command(scene.id(1), .close(.tooManyConnections))))
        #expect(scene.swarm.audit() == [])
    }
}
