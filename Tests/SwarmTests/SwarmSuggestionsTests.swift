// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing

/// How somebody who has everything says to each of those it serves what to come for.
@Suite struct SwarmSuggestionsTests {
    /// A seed of so many pieces of 1 MiB.
    private func seed(_ pieces: Int) throws -> SwarmScene {
        try SwarmScene(size: Int64(pieces) << 20, have: Array(0..<pieces))
    }

    /// A peer that has nothing connects and is served.
    private func join(_ scene: inout SwarmScene, _ peer: UInt64, pieces: [Int] = []) throws -> [Swarm.Effect] {
        try scene.connect(peer, pieces: pieces)
        return scene.report(.interested(true), from: peer)
    }

    /// What a peer is told to come for.
    private func suggested(_ effects: [Swarm.Effect], to peer: UInt64) -> [Int] {
        effects.flatMap { effect -> [Int] in
            if case .command(Swarm.ConnectionID(peer), .suggest(let pieces)) = effect {
                pieces.map(\.number)
            } else {
                []
            }
        }
    }

    private func gives(_ piece: Int, to peer: UInt64, in scene: inout SwarmScene) throws -> [Int] {
        let effects = scene.report(.gives(try #require(scene.image.geometry.piece(piece))), from: peer)
        return suggested(effects, to: peer)
    }

    @Test func `each piece is offered to one peer, before it is served`() throws {
        var scene = try seed(64)
        let first = try join(&scene, 1)
        let offered = suggested(first, to: 1)
        #expect(offered.count == SwarmLimits().fewestSuggestions)
        #expect(
            first.firstIndex { if case .command(_, .suggest) = $0 { true } else { false } }
                == first.firstIndex(of: .command(scene.id(1), .setChoking(false))).map { $0 - 1 })
        let others = suggested(try join(&scene, 2), to: 2)
        #expect(Set(offered).isDisjoint(with: others))
        #expect(scene.swarm.audit() == [])
    }

    @Test func `whoever comes for what it was offered is offered more, and at the end each piece went to one`() throws {
        var scene = try seed(64)
        var open: [UInt64: [Int]] = [:]
        for peer in UInt64(1)...3 { open[peer] = suggested(try join(&scene, peer), to: peer) }
        var counts = Array(repeating: 0, count: 64)
        var most = 0
        while let peer = open.keys.sorted().first(where: { open[$0]?.isEmpty == false }) {
            guard let piece = open[peer]?.removeFirst() else { break }
            counts[piece] += 1
            let more = try gives(piece, to: peer, in: &scene)
            open[peer, default: []] += more
            most = max(most, open[peer, default: []].count)
        }
        #expect(counts == Array(repeating: 1, count: 64))
        // Who takes what it is offered is offered more at a time.
        #expect(most > SwarmLimits().fewestSuggestions)
        #expect(scene.swarm.audit() == [])
    }

    @Test func `what a peer was offered goes to others when it is served no more or leaves`() throws {
        var scene = try seed(4)
        let offered = suggested(try join(&scene, 1), to: 1)
        var found = suggested(try join(&scene, 2), to: 2)
        scene.report(.interested(false), from: 1)
        var taken = 0
        while taken < found.count {
            found += try gives(found[taken], to: 2, in: &scene)
            taken += 1
        }
        #expect(offered.allSatisfy(found.contains))
        #expect(found.count == 4)
        #expect(scene.swarm.audit() == [])
    }

    @Test func `what a peer took away with it is offered again, unless it has everything by now`() throws {
        for isComplete in [false, true] {
            var scene = try seed(2)
            let offered = suggested(try join(&scene, 1), to: 1)
            for piece in offered { _ = try gives(piece, to: 1, in: &scene) }
            let rest = try gives(1 - (offered.first ?? 0), to: 1, in: &scene)
            #expect(rest.isEmpty)
            if isComplete { scene.report(.interested(false), from: 1) }
            _ = scene.swarm.disconnected(scene.id(1), now: scene.now)
            #expect(suggested(try join(&scene, 2), to: 2).isEmpty == isComplete)
            #expect(scene.swarm.audit() == [])
        }
    }

    @Test func `who comes for other things, or for nothing, is offered nothing more`() throws {
        var ignoring = try seed(64)
        let offered = suggested(try join(&ignoring, 1), to: 1)
        for piece in (0..<64).filter({ !offered.contains($0) }).prefix(20) {
            #expect(try gives(piece, to: 1, in: &ignoring) == [])
        }
        _ = ignoring.swarm.tick(now: ignoring.now)
        let again = suggested(try join(&ignoring, 2), to: 2) + suggested(ignoring.swarm.tick(now: ignoring.now), to: 2)
        #expect(!again.isEmpty)
        #expect(suggested(ignoring.swarm.tick(now: ignoring.now), to: 1) == [])

        var idle = try seed(2)
        let all = suggested(try join(&idle, 1), to: 1)
        #expect(suggested(try join(&idle, 2), to: 2).count + all.count <= 2)
        idle.now += .seconds(11)
        let late = idle.swarm.tick(now: idle.now) + idle.swarm.tick(now: idle.now)
        #expect(suggested(late, to: 1) == [])
        #expect(idle.swarm.audit() == [])
    }

    @Test func `a piece that a peer got from elsewhere makes room for another offer`() throws {
        var scene = try seed(64)
        let offered = suggested(try join(&scene, 1), to: 1)
        for piece in offered { scene.report(.gained(try #require(scene.image.geometry.piece(piece))), from: 1) }
        let next = suggested(scene.swarm.tick(now: scene.now), to: 1)
        #expect(next.count == offered.count)
        #expect(Set(next).isDisjoint(with: offered))
    }

    @Test func `who fetched the image itself offers nothing`() throws {
        var scene = try SwarmScene(size: 1 << 20)
        try scene.connect(1)
        let extent = try #require(scene.work(1).first)
        scene.deliver(extent, from: 1)
        #expect(scene.swarm.isComplete)
        #expect(suggested(try join(&scene, 2), to: 2) == [])
    }

    // MARK: The other side

    /// A seed, number 1, and three others that have nothing.
    private func leecher(_ pieces: Int = 8) throws -> SwarmScene {
        var scene = try SwarmScene(size: Int64(pieces) << 20)
        try scene.connect(1)
        for peer in UInt64(2)...4 { try scene.connect(peer, pieces: []) }
        return scene
    }

    @Test func `a seed is asked for what it suggests and, when it suggests no more, for anything`() throws {
        var scene = try leecher()
        scene.report(.suggested(try #require(scene.image.geometry.piece(5))), from: 1)
        #expect(scene.work(1, blocks: 128).map(\.piece.number) == [5])
        #expect(scene.work(1).isEmpty)
        let more = scene.report(.suggested(try #require(scene.image.geometry.piece(2))), from: 1)
        #expect(SwarmScene.assigned(more, to: 1).map(\.piece.number) == [2])
        #expect(scene.work(1).isEmpty)
        scene.now += .seconds(1)
        #expect(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 1).count == 1)
        #expect(scene.swarm.audit() == [])
    }

    @Test func `on a slow link a seed is waited for as long as its pieces take`() throws {
        var scene = try leecher()
        // Half a megabyte a second, of which two seconds make a piece.
        for _ in 0..<20 {
            scene.now += .milliseconds(500)
            scene.report(.traffic(received: 1 << 18, sent: 0), from: 1)
            _ = scene.swarm.tick(now: scene.now)
        }
        scene.report(.suggested(try #require(scene.image.geometry.piece(5))), from: 1)
        #expect(scene.work(1, blocks: 128).map(\.piece.number) == [5])
        #expect(scene.work(1).isEmpty)
        scene.now += .seconds(3.5)
        #expect(SwarmScene.assigned(scene.swarm.tick(now: scene.now), to: 1).isEmpty)
        // When it brings nothing any more, that ends.
        var effects: [Swarm.Effect] = []
        for _ in 0..<30 {
            scene.now += .milliseconds(500)
            effects += scene.swarm.tick(now: scene.now)
        }
        #expect(SwarmScene.assigned(effects, to: 1).count == 1)
        #expect(scene.swarm.audit() == [])
    }

    @Test func `a seed hears of what it suggests and this side has, once`() throws {
        var scene = try SwarmScene(size: 8 << 20, have: [5])
        try scene.connect(1)
        let piece = try #require(scene.image.geometry.piece(5))
        #expect(scene.report(.suggested(piece), from: 1) == [.command(scene.id(1), .mention(piece))])
        #expect(scene.report(.suggested(piece), from: 1) == [])
    }

    @Test func `who has everything and suggests nothing hears of nothing`() throws {
        var scene = try leecher()
        let piece = try #require(scene.image.geometry.piece(5))
        scene.report(.gained(piece), from: 2)
        let extent = try #require(scene.work(2).first)
        #expect(!scene.deliver(extent, from: 2).contains(.command(scene.id(1), .mention(piece))))
    }

    @Test func `what somebody else comes for makes room for another offer`() throws {
        var scene = try seed(64)
        let offered = suggested(try join(&scene, 1), to: 1)
        _ = try join(&scene, 2)
        for piece in offered { _ = try gives(piece, to: 2, in: &scene) }
        let next = suggested(scene.swarm.tick(now: scene.now), to: 1)
        #expect(next.count == offered.count)
        #expect(Set(next).isDisjoint(with: offered))
    }

    @Test func `also a seed that is not spared is asked first for what it suggests`() throws {
        var scene = try SwarmScene(size: 64 << 20)
        try scene.connect(1)
        scene.report(.suggested(try #require(scene.image.geometry.piece(5))), from: 1)
        #expect(scene.work(1, blocks: 128).map(\.piece.number).first == 5)
    }

    @Test func `what a peer has is not offered to it`() throws {
        var scene = try seed(4)
        #expect(Set(suggested(try join(&scene, 1, pieces: [0, 1, 2]), to: 1)) == [3])
    }

    @Test func `suggestions of somebody who lacks something, or does not serve any more, count for nothing`() throws {
        var scene = try leecher()
        let piece = try #require(scene.image.geometry.piece(5))
        scene.report(.gained(piece), from: 2)
        scene.report(.suggested(piece), from: 2)
        scene.report(.suggested(piece), from: 1)
        scene.report(.serves(false), from: 1)
        #expect(scene.work(1).isEmpty)
        #expect(scene.swarm.audit() == [])
    }

    @Test func `a seed hears of what it suggested and this side got from somebody else`() throws {
        var scene = try leecher()
        let piece = try #require(scene.image.geometry.piece(5))
        scene.report(.suggested(piece), from: 1)
        scene.report(.gained(piece), from: 2)
        let extent = try #require(scene.work(2).first)
        #expect(extent.piece == piece)
        #expect(scene.deliver(extent, from: 2).contains(.command(scene.id(1), .mention(piece))))

        // What it did not suggest tells it, too, who passes things on.
        let other = try #require(scene.image.geometry.piece(3))
        scene.report(.gained(other), from: 2)
        let passed = try #require(scene.work(2).first)
        #expect(scene.deliver(passed, from: 2).contains(.command(scene.id(1), .mention(other))))

        scene.report(.suggested(try #require(scene.image.geometry.piece(6))), from: 1)
        let own = try #require(scene.work(1).first)
        #expect(!scene.deliver(own, from: 1).contains(.command(scene.id(1), .mention(own.piece))))
    }
}
