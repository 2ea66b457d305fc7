// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerCore
import TrackerProtocol

@Suite struct SwarmRegistryTests {
    @Test func `leechers are told of seeds and leechers, seeds only of leechers, nobody of itself`() throws {
        var script = SwarmScript()
        #expect(try script.announce("10.0.0.1:1", left: 0, event: .started).addresses == [])
        #expect(try script.announce("10.0.0.2:1", left: 0, event: .started).addresses == [])
        #expect(try script.announce("10.0.0.3:1", left: 9, event: .started).addresses == ["10.0.0.1:1", "10.0.0.2:1"])
        #expect(try script.announce("[fd00::4]:1", left: 9).addresses == ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"])
        #expect(try script.announce("10.0.0.1:1", left: 0).addresses == ["10.0.0.3:1", "[fd00::4]:1"])
        let last = try script.announce("10.0.0.3:1", left: 9)
        #expect(last.addresses == ["10.0.0.1:1", "10.0.0.2:1", "[fd00::4]:1"])
        #expect(last.complete == 2 && last.incomplete == 2)
    }

    @Test func `a host is not told of itself under its other address`() throws {
        var script = SwarmScript()
        _ = try script.announce("10.0.0.1:1", left: 9, id: "one")
        #expect(try script.announce("[fd00::1]:1", left: 9, id: "one").addresses == [])
        #expect(try script.announce("10.0.0.2:1", left: 9).addresses == ["10.0.0.1:1", "[fd00::1]:1"])
    }

    @Test func `a mapped IPv4 address is the IPv4 address`() throws {
        var script = SwarmScript()
        _ = try script.announce("[::ffff:10.0.0.1]:1", left: 0)
        #expect(try script.announce("10.0.0.2:1", left: 9).addresses == ["10.0.0.1:1"])
        _ = try script.announce("10.0.0.1:1", left: 0)
        #expect(script.registry.peerCount == 2)
    }

    @Test func `loopback addresses are told only to peers on loopback`() throws {
        var script = SwarmScript()
        _ = try script.announce("127.0.0.1:1", left: 0)
        #expect(try script.announce("10.0.0.2:1", left: 9).addresses == [])
        #expect(try script.announce("127.0.0.1:2", left: 9).addresses == ["10.0.0.2:1", "127.0.0.1:1"])
    }

    @Test func `swarms do not mix`() throws {
        var script = SwarmScript()
        _ = try script.announce("10.0.0.1:1", left: 0, swarm: 1)
        let answer = try script.announce("10.0.0.2:1", left: 9, swarm: 2)
        #expect(answer.addresses == [] && answer.complete == 0 && answer.incomplete == 1)
        #expect(script.registry.swarmCount == 2)
    }

    @Test func `stopped removes a peer and never makes a swarm`() throws {
        var script = SwarmScript()
        #expect(try script.announce("10.0.0.1:1", left: 9, event: .stopped).failureReason == nil)
        #expect(script.registry.swarmCount == 0)
        _ = try script.announce("10.0.0.1:1", left: 0)
        _ = try script.announce("10.0.0.2:1", left: 9)
        let goodbye = try script.announce("10.0.0.1:1", left: 0, event: .stopped)
        #expect(goodbye.addresses == [] && goodbye.complete == 0)
        #expect(try script.announce("10.0.0.2:1", left: 9).addresses == [])
        // A stranger at another address cannot say it for the peer.
        _ = try script.announce("10.0.0.9:1", left: 9, event: .stopped, id: "10.0.0.2:1")
        #expect(try script.counts()?.incomplete == 1)
        #expect(try script.announce("10.0.0.1:1", left: 0).addresses == ["10.0.0.2:1"])
    }

    @Test func `completed is counted once per download`() throws {
        var script = SwarmScript()
        _ = try script.announce("10.0.0.1:1", left: 9, event: .started)
        _ = try script.announce("10.0.0.1:1", left: 0, event: .completed)
        _ = try script.announce("10.0.0.1:1", left: 0, event: .completed)
        #expect(try script.counts() == ScrapeResponse.Counts(complete: 1, downloaded: 1, incomplete: 0))
        _ = try script.announce("10.0.0.2:1", left: 0, event: .completed)
        #expect(try script.counts()?.downloaded == 2)
        #expect(try script.counts(swarm: 7) == nil)
    }

    @Test func `the interval is at most 20 seconds while anything is incomplete, and long with jitter after`() throws {
        var script = SwarmScript()
        var idle: Set<Int> = []
        for port in 1...50 { idle.insert(try script.announce("10.0.0.1:\(port)", left: 0).interval) }
        #expect(idle.allSatisfy { (255...345).contains($0) })
        #expect(idle.count > 10)
        var active: Set<Int> = []
        _ = try script.announce("10.0.0.2:1", left: 1)
        for port in 1...50 { active.insert(try script.announce("10.0.0.1:\(port)", left: 0).interval) }
        #expect(active.allSatisfy { (14...20).contains($0) })
        #expect(active.count > 2)
        #expect(try script.announce("10.0.0.2:1", left: 0, event: .completed).interval > 20)
    }

    @Test func `the interval is short while nobody has everything, in a swarm that is not large`() throws {
        var script = SwarmScript()
        var waiting: Set<Int> = []
        for port in 1...50 { waiting.insert(try script.announce("10.0.0.1:\(port)", left: 1).interval) }
        #expect(waiting == [6, 7, 8])
        #expect(try script.announce("10.0.0.2:1", left: 0).interval >= 14)
        for port in 1...999 { _ = try script.announce("10.0.0.3:\(port)", left: 1, swarm: 2) }
        #expect(try script.announce("10.0.0.4:1", left: 1, swarm: 2).interval <= 8)
        #expect(try script.announce("10.0.0.4:2", left: 1, swarm: 2).interval >= 14)
    }

    @Test func `a silent peer is forgotten after three intervals, and a swarm with its last peer`() throws {
        var script = SwarmScript()
        _ = try script.announce("10.0.0.1:1", left: 9)
        script.now = 40
        _ = try script.announce("10.0.0.2:1", left: 9)
        script.now = 50
        #expect(try script.counts()?.incomplete == 2)
        script.now = 52
        #expect(try script.counts()?.incomplete == 1)
        #expect(try script.announce("10.0.0.3:1", left: 9).addresses == ["10.0.0.2:1"])
        script.now = 200
        #expect(try script.counts() == nil)
        #expect(script.registry.peerCount == 0 && script.registry.swarmCount == 0)
    }

    @Test func `a peer that keeps announcing is never forgotten`() throws {
        var script = SwarmScript()
        for _ in 0..<500 {
            _ = try script.announce("10.0.0.1:1", left: 9)
            script.now += 19.7
            #expect(try script.counts()?.incomplete == 1)
        }
        #expect(script.registry.peerCount == 1)
    }

    @Test func `who is turned away for want of time is remembered, and nobody else`() throws {
        var script = SwarmScript()
        let peer = try #require(PeerAddress(parsing: "10.0.0.1:1"))
        var request = AnnounceRequest(
            infoHash: try SwarmScript.hash(), peerID: try SwarmScript.id("10.0.0.1:1"), port: 1, left: 9)
        func renew() -> Bool { script.registry.renew(request, from: peer.host, now: .seconds(script.now)) }
        #expect(!renew())
        _ = try script.announce("10.0.0.1:1", left: 9)
        for _ in 0..<50 {
            script.now += 30
            #expect(renew())
            #expect(try script.counts()?.incomplete == 1)
        }
        request.port = 2
        #expect(!renew())
        request.port = 1
        script.now += 60
        #expect(!renew())
        #expect(script.registry.peerCount == 0)
    }

    @Test func `one address has a bounded number of peers in all swarms together, and the others have the rest`() throws
    {
        var script = SwarmScript(limits: TrackerLimits(swarms: 20, peersPerHostInAll: 15))
        for swarm in 0..<15 {
            #expect(try script.announce("10.0.0.1:1", left: 9, swarm: swarm).failureReason == nil)
        }
        for port in 1...3 {
            let refusal = try script.announce("10.0.0.1:\(port)", left: 9, swarm: 20 + port).failureReason
            #expect(refusal?.contains("15 peers from 10.0.0.1") == true)
        }
        #expect(try script.announce("10.0.0.1:1", left: 9, swarm: 3).failureReason == nil)
        #expect(try script.announce("10.0.0.2:1", left: 9, swarm: 30).failureReason == nil)
        // Each that is forgotten makes room.
        script.now = 60
        #expect(try script.announce("10.0.0.1:1", left: 9, swarm: 40).failureReason == nil)
        for port in 1...100 {
            #expect(try script.announce("127.0.0.1:\(port)", left: 9, swarm: 41).failureReason == nil)
        }
    }

    @Test func `a seed of a swarm that has become active again is forgotten as quickly as the others`() throws {
        var script = SwarmScript()
        _ = try script.announce("10.0.0.1:1", left: 0)
        script.now = 300
        _ = try script.announce("10.0.0.2:1", left: 9)
        _ = try script.announce("10.0.0.1:1", left: 0)
        script.now = 352
        _ = try script.announce("10.0.0.2:1", left: 9)
        #expect(try script.counts()?.complete == 0)
        script.now = 2000
        #expect(try script.counts() == nil)
        #expect(script.registry.peerCount == 0)
    }

    @Test func `time that runs backwards changes nothing`() throws {
        var script = SwarmScript()
        script.now = 1_000_000
        _ = try script.announce("10.0.0.1:1", left: 9)
        script.now = 5
        #expect(try script.announce("10.0.0.2:1", left: 9).addresses == ["10.0.0.1:1"])
        script.now = 1_000_060
        #expect(try script.counts() == nil)
    }

    @Test func `coming and going does not pile up`() throws {
        var script = SwarmScript()
        for _ in 0..<1000 {
            _ = try script.announce("10.0.0.1:1", left: 9, event: .started)
            _ = try script.announce("10.0.0.1:1", left: 9, event: .stopped)
            script.now += 0.01
        }
        #expect(script.registry.peerCount == 1)
        script.now += 100
        #expect(try script.counts() == nil)
        #expect(script.registry.peerCount == 0)
    }

    @Test func `at each bound a newcomer is refused with a reason and the others are served`() throws {
        var script = SwarmScript(limits: TrackerLimits(swarms: 2, peersPerSwarm: 3, peersPerHost: 2, peers: 5))
        _ = try script.announce("10.0.0.1:1", left: 9)
        _ = try script.announce("10.0.0.1:2", left: 9)
        let perHost = try script.announce("10.0.0.1:3", left: 9)
        #expect(perHost.failureReason?.contains("10.0.0.1") == true && perHost.retryIn == .minutes(5))
        _ = try script.announce("10.0.0.2:1", left: 9)
        #expect(try script.announce("10.0.0.3:1", left: 9).failureReason?.contains("swarm") == true)
        #expect(try script.announce("10.0.0.2:1", left: 0).failureReason == nil)
        _ = try script.announce("127.0.0.1:1", left: 9, swarm: 1)
        _ = try script.announce("127.0.0.1:2", left: 9, swarm: 1)
        #expect(try script.announce("127.0.0.1:3", left: 9, swarm: 1).failureReason?.contains("5 peers") == true)
        #expect(try script.announce("10.0.0.1:1", left: 9, swarm: 2).failureReason?.contains("2 swarms") == true)
        #expect(script.registry.peerCount == 5)
        // Room comes back when peers are forgotten.
        script.now = 120
        #expect(try script.announce("10.0.0.1:1", left: 9, swarm: 2).failureReason == nil)
    }
}
