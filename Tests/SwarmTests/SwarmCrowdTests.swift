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

    /// A seed with six peers that want something, and those of them that it serves.
    /// - Parameter slots: how many it serves at one time.
    private func seed(pieces: Int, slots: Int) throws -> (SwarmScene, Set<UInt64>) {
        var limits = SwarmLimits()
        limits.uploadSlots = slots
        var scene = try SwarmScene(
            size: Int64(pieces) << 18, pieceLength: 1 << 18, have: Array(0..<pieces), limits: limits)
        var serving: Set<UInt64> = []
        for peer in UInt64(1)...6 {
            try scene.connect(peer, pieces: [])
            serving = served(serving, scene.report(.interested(true), from: peer))
        }
        return (scene, serving)
    }

    /// Such a seed, of which each peer was given eight pieces that nobody else was. What all but the first two were given
    /// the others get from them, and say so.
    private func crowd(slots: Int) throws -> (SwarmScene, Set<UInt64>) {
        var (scene, serving) = try seed(pieces: 64, slots: slots)
        for number in 0..<48 {
            let holder = UInt64(number % 6 + 1)
            let piece = try piece(number, scene)
            scene.report(.gives(piece), from: holder)
            if holder > 2 { scene.report(.gained(piece), from: holder % 4 + 3) }
        }
        return (scene, serving)
    }

    /// What is suggested, and to whom.
    private func suggested(_ effects: [Swarm.Effect]) -> [(piece: PieceIndex, peer: UInt64)] {
        effects.flatMap { effect -> [(piece: PieceIndex, peer: UInt64)] in
            guard case .command(let id, .suggest(let pieces)) = effect else { return [] }
            return pieces.map { ($0, id.number) }
        }
    }

    @Test func `peers that pass on nothing wait for a term while others take what there is`() throws {
        var (scene, serving) = try crowd(slots: 6)
        let start = scene.now
        for _ in 1...40 {
            scene.now += .milliseconds(500)
            // Everybody who is served takes something, so that the slots go round.
            for peer in serving { scene.report(.traffic(received: 0, sent: 5 << 20), from: peer) }
            serving = served(serving, scene.swarm.tick(now: scene.now))
            let isOver = scene.now - start > scene.swarm.limits.keeperTerm
            #expect(serving == (isOver ? [1, 2, 3, 4, 5, 6] : [3, 4, 5, 6]))
        }
        #expect(scene.swarm.audit() == [])
    }

    @Test func `what a peer kept to itself is offered to others at once`() throws {
        var (scene, serving) = try crowd(slots: 6)
        for peer in serving { scene.report(.traffic(received: 0, sent: 5 << 20), from: peer) }
        scene.now += .milliseconds(500)
        var open = suggested(scene.swarm.tick(now: scene.now))
        var offered: Set<Int> = []
        // Each piece that is taken makes room for the next.
        while let (piece, peer) = open.popLast() {
            #expect(peer > 2)
            offered.insert(piece.number)
            open += suggested(scene.report(.gives(piece), from: peer))
        }
        #expect(offered.isSuperset(of: (0..<48).filter { $0 % 6 < 2 }))
        #expect(offered.isDisjoint(with: (0..<48).filter { $0 % 6 >= 2 }))
        #expect(scene.swarm.audit() == [])
    }

    @Test func `peers that pass on nothing are served when nobody else takes anything`() throws {
        var (scene, serving) = try crowd(slots: 5)
        scene.now += .seconds(10)
        serving = served(serving, scene.swarm.tick(now: scene.now))
        for peer in UInt64(3)...6 { serving = served(serving, scene.report(.interested(false), from: peer)) }
        #expect(serving == [1, 2])
    }

    @Test func `where nobody says what was passed on, all are served`() throws {
        var (scene, serving) = try seed(pieces: 96, slots: 6)
        for number in 0..<60 { scene.report(.gives(try piece(number, scene)), from: UInt64(number % 6 + 1)) }
        for peer in serving { scene.report(.traffic(received: 0, sent: 5 << 20), from: peer) }
        scene.now += .seconds(1)
        let effects = scene.swarm.tick(now: scene.now)
        #expect(served(serving, effects) == [1, 2, 3, 4, 5, 6])
        #expect(suggested(effects).allSatisfy { $0.piece.number >= 60 })
    }

    @Test func `who is given more than others, and passes it on as late as they do, keeps nothing`() throws {
        var (scene, serving) = try seed(pieces: 800, slots: 6)
        var under: [[(piece: PieceIndex, holder: UInt64)]] = []
        var next = 0
        for _ in 0..<40 {
            // The first is given fifteen times as much as the others.
            var now: [(piece: PieceIndex, holder: UInt64)] = []
            for holder in Array(repeating: UInt64(1), count: 15) + [2, 3, 4, 5, 6] {
                let piece = try piece(next, scene)
                next += 1
                scene.report(.gives(piece), from: holder)
                now.append((piece, holder))
            }
            under.append(now)
            if under.count > 2 {
                for (piece, holder) in under.removeFirst() { scene.report(.gained(piece), from: holder % 6 + 1) }
            }
            for peer in serving { scene.report(.traffic(received: 0, sent: 5 << 20), from: peer) }
            scene.now += .milliseconds(500)
            serving = served(serving, scene.swarm.tick(now: scene.now))
            #expect(serving == [1, 2, 3, 4, 5, 6])
        }
        #expect(scene.swarm.audit() == [])
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
