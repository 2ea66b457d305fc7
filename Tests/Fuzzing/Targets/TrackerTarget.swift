// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TestSupport
import TrackerCore
import TrackerProtocol

extension FuzzTarget {
    /// A tracker's registry under a script of announces, scrapes and time: the limits hold, what it counts is what it
    /// hands out, and nobody is told of itself.
    static let tracker = FuzzTarget("tracker", maximumLength: 512) { bytes in
        var script = Script(bytes)
        let limits = TrackerLimits(swarms: 3, peersPerSwarm: 6, peersPerHost: 3, peers: 10)
        var registry = SwarmRegistry(limits: limits, handout: PeerHandout(defaultCount: 2, maximumCount: 4))
        var random = SplitMix(state: 3)
        var now = Duration.zero
        while !script.isEmpty {
            let step = script.byte()
            now += .milliseconds(Int(script.byte()) * (step & 0x80 == 0 ? 10 : 100))
            let hash = try unwrap(InfoHash(Array(repeating: step % 5, count: 20)), "no info-hash")
            if step & 0x40 != 0 {
                let scrape = registry.scrape(ScrapeRequest(infoHashes: [hash]), now: now)
                try expect(scrape.files.count <= 1, "more counts than were asked for")
                try expectEqual(try ScrapeResponse.decode(scrape.encoded), scrape, "the scrape's answer read again")
            } else {
                try announce(to: &registry, hash, &script, now: now, using: &random)
            }
            try expect(registry.swarmCount <= limits.swarms, "\(registry.swarmCount) swarms")
            try expect((0...limits.peers).contains(registry.peerCount), "\(registry.peerCount) peers")
        }
        // Once nobody has announced for long, nobody is left.
        for _ in 0..<2 {
            now += .seconds(1000)
            registry.sweep(now: now)
        }
        try expectEqual(registry.peerCount, 0, "peers at the end")
        try expectEqual(registry.swarmCount, 0, "swarms at the end")
    }

    private static func announce(
        to registry: inout SwarmRegistry, _ hash: InfoHash, _ script: inout Script, now: Duration,
        using random: inout SplitMix
    ) throws {
        let who = script.byte()
        let host = try unwrap(IPAddress([who % 4 == 0 ? 127 : 10, 0, 0, who % 4]), "no address")
        let peer = try unwrap(PeerID(Array(repeating: who % 16, count: 20)), "no peer id")
        let what = script.byte()
        let event: AnnounceEvent? = [nil, .started, .completed, .stopped][Int(what % 4)]
        let request = AnnounceRequest(
            infoHash: hash, peerID: peer, port: UInt16(who >> 4) + 1, left: what & 0x10 == 0 ? 1 : 0, event: event,
            numberWanted: what & 0x20 == 0 ? nil : Int(script.integer(Int32.self)))
        let answer = registry.announce(request, from: host, now: now, using: &random)
        let own = PeerAddress(host: host, port: request.port)
        try expect(answer.peers.count <= 4, "\(answer.peers.count) peers are handed out")
        try expect(!answer.peers.contains(own), "a peer is told of itself")
        try expect(host.isLoopback || !answer.peers.contains { $0.isLoopback }, "a loopback address is handed out")
        let known = (answer.complete ?? 0) + (answer.incomplete ?? 0)
        try expect(answer.peers.count <= known, "\(answer.peers.count) of \(known) peers are handed out")
        try expectEqual(try AnnounceResponse.decode(answer.encoded(compact: false)), answer, "read again")
    }
}
