// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerCore
import TrackerProtocol

@Suite struct PeerHandoutTests {
    @Test func `as many peers are handed out as are wanted, within the bound`() throws {
        var script = SwarmScript()
        for port in 1...500 { _ = try script.announce("10.0.0.1:\(port)", left: 9, wanted: 0, id: "\(port)") }
        for (wanted, expected) in [(nil, 50), (0, 0), (1, 1), (200, 200), (100_000, 200)] as [(Int?, Int)] {
            let peers = try script.announce("10.0.0.2:1", left: 9, wanted: wanted).peers
            #expect(peers.count == expected)
            #expect(Set(peers).count == expected)
        }
    }

    @Test func `a swarm of ten thousand is sampled evenly and at speed`() throws {
        var script = SwarmScript()
        func address(_ number: Int) -> String { "10.1.\(number / 250).\(number % 250):6881" }
        for number in 0..<10_000 { _ = try script.announce(address(number), left: number == 0 ? 0 : 9, wanted: 0) }
        var told: [PeerAddress: Int] = [:]
        for number in 0..<5_000 {
            let peers = try script.announce(address(number), left: number == 0 ? 0 : 9).peers
            #expect(peers.count == 50)
            for peer in peers { told[peer, default: 0] += 1 }
        }
        // 250,000 draws from 10,000 peers: 25 each on average, and practically none beyond 60 or at 0.
        #expect(told.count > 9_990)
        #expect(told.values.allSatisfy { $0 < 60 })
        #expect(script.registry.peerCount == 10_000)
    }

    @Test func `ten thousand peers that fall silent together are forgotten a few at a time`() throws {
        var script = SwarmScript()
        for port in 1...10_000 { _ = try script.announce("127.0.0.1:\(port)", left: 9, wanted: 0, id: "\(port)") }
        script.now = 60
        // None of the dead is handed out even before all of them are forgotten.
        #expect(try script.announce("127.0.0.2:1", left: 9).addresses == [])
        #expect(script.registry.peerCount > 9_000)
        for _ in 0..<200 { _ = try script.announce("127.0.0.2:1", left: 9) }
        #expect(script.registry.peerCount == 1)
    }
}
