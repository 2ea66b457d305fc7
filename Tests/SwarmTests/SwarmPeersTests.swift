// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import Testing
import TrackerProtocol

/// Which connections stay, whom to dial and whom to serve.
@Suite struct SwarmPeersTests {
    @Test func `of two connections the one stays that the greater peer id initiated`() throws {
        var scene = try SwarmScene(ownID: 100)
        try scene.connect(1, peer: 200, here: true)
        let effects = try scene.connect(2, peer: 200)
        #expect(effects.contains(.command(scene.id(1), .close(.duplicate))))
        #expect(try scene.connect(3, peer: 200, here: true).contains(.command(scene.id(3), .close(.duplicate))))

        try scene.connect(4, peer: 50, here: true)
        #expect(try scene.connect(5, peer: 50).contains(.command(scene.id(5), .close(.duplicate))))
        #expect(scene.swarm.audit() == [])
    }

    @Test func `a connection to itself is closed and its address not dialled again`() throws {
        var scene = try SwarmScene(ownID: 100)
        let own = try SwarmScene.address(100)
        #expect(scene.swarm.learned([own], now: scene.now) == [.dial(own)])
        #expect(try scene.connect(1, peer: 100, here: true) == [.command(scene.id(1), .close(.selfConnection))])
        #expect(scene.swarm.tick(now: scene.now + .seconds(3600)).isEmpty)
    }

    @Test func `refused connections do not use up the dials`() throws {
        var scene = try SwarmScene(ownID: 100)
        for peer in UInt8(1)...20 {
            try scene.connect(UInt64(peer), peer: peer + 100)
            let address = try SwarmScene.address(peer + 100)
            #expect(scene.swarm.learned([address], now: scene.now) == [.dial(address)])
            try scene.connect(UInt64(peer) + 100, peer: peer + 100, here: true)
        }
    }

    @Test func `a peer that is connected already is not dialled`() throws {
        var scene = try SwarmScene()
        let address = try SwarmScene.address(1)
        try scene.connect(1)
        #expect(scene.swarm.learned([address], now: scene.now) == [.dial(address)])
        _ = scene.swarm.dialFailed(address, now: scene.now)
        scene.report(.listens(6881), from: 1)
        #expect(scene.swarm.tick(now: scene.now + .seconds(60)).isEmpty)
        scene.now += .seconds(60)
        _ = scene.swarm.disconnected(scene.id(1), now: scene.now)
        #expect(scene.swarm.tick(now: scene.now + .seconds(3)) == [.dial(address)])
    }

    @Test func `a peer that came by itself is not dialled when it is heard of later`() throws {
        var scene = try SwarmScene()
        try scene.connect(1)
        scene.report(.listens(6881), from: 1)
        #expect(scene.swarm.learned([try SwarmScene.address(1)], now: scene.now).isEmpty)
        #expect(scene.swarm.tick(now: scene.now + .seconds(60)).isEmpty)
    }

    @Test func `a peer that ends every connection at once is dialled more and more seldom`() throws {
        var scene = try SwarmScene()
        let address = try SwarmScene.address(1)
        var dials = scene.swarm.learned([address], now: scene.now).count
        for second in 1...100 {
            scene.now += .seconds(1)
            if dials > 0, scene.swarm.address(of: scene.id(UInt64(dials))) == nil {
                try scene.connect(UInt64(second), peer: 1, here: true)
                _ = scene.swarm.disconnected(scene.id(UInt64(second)), now: scene.now)
            }
            dials += scene.swarm.tick(now: scene.now).filter { $0 == .dial(address) }.count
        }
        #expect(dials < 10)
    }

    @Test func `there is room for those who come later`() throws {
        var scene = try SwarmScene()
        for peer in UInt8(1)...40 { try scene.connect(UInt64(peer), peer: peer) }
        #expect(scene.swarm.learned([try SwarmScene.address(99)], now: scene.now).isEmpty)
        #expect(try !scene.connect(50).contains(.command(scene.id(50), .close(.tooManyConnections))))
    }

    @Test func `unreachable addresses make room for new ones`() throws {
        var limits = SwarmLimits()
        limits.knownAddresses = 1
        var scene = try SwarmScene(limits: limits)
        let (old, new) = (try SwarmScene.address(1), try SwarmScene.address(2))
        _ = scene.swarm.learned([old], now: scene.now)
        for _ in 0..<3 {
            #expect(scene.swarm.learned([new], now: scene.now).isEmpty)
            _ = scene.swarm.dialFailed(old, now: scene.now)
            scene.now += .seconds(100)
            _ = scene.swarm.tick(now: scene.now)
        }
        _ = scene.swarm.dialFailed(old, now: scene.now)
        #expect(scene.swarm.learned([new], now: scene.now) == [.dial(new)])
    }

    // MARK: Slots

    private func choking(_ effects: [Swarm.Effect], _ isChoking: Bool) -> [UInt64] {
        effects.compactMap { effect in
            guard case .command(let id, .setChoking(isChoking)) = effect else { return nil }
            return id.number
        }
    }

    @Test func `a slot is not taken away before something went through it`() throws {
        var limits = SwarmLimits()
        limits.uploadSlots = 1
        var scene = try SwarmScene(have: [0, 1, 2, 3], limits: limits)
        for peer in 1...3 { try scene.connect(UInt64(peer), pieces: []) }
        #expect(choking(scene.report(.interested(true), from: 1), false) == [1])
        scene.report(.interested(true), from: 2)
        scene.now += .seconds(6)
        scene.report(.traffic(received: 0, sent: 100_000), from: 1)
        #expect(choking(scene.swarm.tick(now: scene.now), true) == [])
        scene.now += .seconds(6)
        scene.report(.traffic(received: 0, sent: 4 << 20), from: 1)
        let effects = scene.swarm.tick(now: scene.now)
        #expect(choking(effects, true) == [1])
        #expect(choking(effects, false) == [2])
    }

    @Test func `who takes nothing loses its slot, and who repeats itself keeps its place in the queue`() throws {
        var limits = SwarmLimits()
        limits.uploadSlots = 1
        var scene = try SwarmScene(have: [0, 1, 2, 3], limits: limits)
        for peer in 1...3 {
            try scene.connect(UInt64(peer), pieces: [])
            scene.now += .milliseconds(100)
            scene.report(.interested(true), from: UInt64(peer))
        }
        scene.now += .seconds(1)
        scene.report(.interested(true), from: 2)
        scene.now += .seconds(6)
        #expect(choking(scene.swarm.tick(now: scene.now), false) == [2])
    }

    @Test func `a piece that a peer lost is not wanted of it any more`() throws {
        var scene = try SwarmScene(have: [0, 1, 2])
        try scene.connect(1)
        let piece = try #require(scene.image.geometry.piece(3))
        #expect(scene.report(.lost(piece), from: 1) == [.command(scene.id(1), .setInterested(false))])
        #expect(scene.report(.lost(piece), from: 1) == [])
        #expect(scene.work(1).isEmpty)
        #expect(scene.swarm.audit() == [])
        #expect(scene.report(.gained(piece), from: 1).contains(.command(scene.id(1), .setInterested(true))))
    }

    @Test func `a complete side and a peer that fetches nothing part`() throws {
        var scene = try SwarmScene(have: [0, 1, 2, 3])
        try scene.connect(1, pieces: [0])
        #expect(scene.report(.uploadOnly(true), from: 1) == [.command(scene.id(1), .close(.bothComplete))])
        var fetching = try SwarmScene(have: [0])
        try fetching.connect(1, pieces: [0])
        #expect(fetching.report(.uploadOnly(true), from: 1) == [])
    }
}
