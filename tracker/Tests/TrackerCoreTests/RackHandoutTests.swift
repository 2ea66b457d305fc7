// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerCore
import TrackerProtocol

/// Who is told of whom when hosts say in which rack they stand.
@Suite struct RackHandoutTests {
    /// Whom each peer was told of last.
    private struct Graph {
        var script = SwarmScript()
        var names: [String: [String]] = [:]

        mutating func announce(
            _ address: String, rack: String?, left: Int64 = 9, event: AnnounceEvent? = nil, wanted: Int? = nil
        ) throws {
            let answer = try script.announce(address, left: left, event: event, wanted: wanted, rack: rack)
            names[address] = event == .stopped ? nil : answer.addresses
        }

        /// Edges in both directions, among those who are there.
        var neighbours: [String: Set<String>] {
            var edges: [String: Set<String>] = names.mapValues { _ in [] }
            for (one, others) in names {
                for other in others where names[other] != nil {
                    edges[one]?.insert(other)
                    edges[other]?.insert(one)
                }
            }
            return edges
        }

        func isConnected() -> Bool {
            let edges = neighbours
            var reached: Set<String> = []
            var next = Array(edges.keys.sorted().prefix(1))
            while let one = next.popLast() {
                guard reached.insert(one).inserted else { continue }
                next += edges[one] ?? []
            }
            return reached.count == edges.count
        }

        /// Peers that were told of others outside of their rack, by rack.
        func gateways(_ rack: (String) -> String) -> [String: Set<String>] {
            var gateways: [String: Set<String>] = [:]
            for (one, others) in names where others.contains(where: { rack($0) != rack(one) }) {
                gateways[rack(one), default: []].insert(one)
            }
            return gateways
        }
    }

    private func address(_ number: Int) -> String { "10.0.\(number / 250).\(1 + number % 250):6881" }

    @Test
    func `without racks two hundred peers that ask for few are one graph of even degree, through coming and going`()
        throws
    {
        var graph = Graph()
        // 2 ln 200 is 10.6.
        func check() throws {
            for one in graph.names.keys.sorted() { try graph.announce(one, rack: nil, wanted: 14) }
            let degrees = graph.neighbours.mapValues(\.count)
            #expect(graph.isConnected())
            #expect(degrees.values.min() ?? 0 >= 11 && degrees.values.max() ?? 0 <= 28)
        }
        for number in 0..<200 { try graph.announce(address(number), rack: nil, wanted: 14) }
        try check()
        for round in 0..<5 {
            for number in 0..<60 {
                try graph.announce(address((number * 7 + round * 61) % 200), rack: nil, event: .stopped)
            }
            for number in 0..<60 { try graph.announce(address(1000 + 60 * round + number), rack: nil, wanted: 14) }
            try check()
        }
    }

    @Test(arguments: [(10, 4), (17, 5), (100, 8)])
    func `a few peers of each rack are told of other racks, and all racks are one graph`(
        _ hosts: Int, _ expected: Int
    ) throws {
        var graph = Graph()
        func rack(_ address: String) -> String {
            let parts = address.split(separator: ":")[0].split(separator: ".").compactMap { Int($0) }
            return "r\((parts[2] * 250 + parts[3]) % 8)"
        }
        try graph.announce(address(0), rack: rack(address(0)), left: 0)
        for _ in 0..<3 {
            for number in 1..<8 * hosts { try graph.announce(address(number), rack: rack(address(number))) }
            try graph.announce(address(0), rack: rack(address(0)), left: 0)
            // Time is short; nobody counts as stuck, because all have progressed.
            for one in graph.names.keys { graph.script.progress[one, default: 0] += 1 }
        }
        #expect(graph.isConnected())
        let gateways = graph.gateways(rack)
        #expect(gateways.count == 8)
        for (name, peers) in gateways {
            // The seed's rack has the seed beside them.
            #expect(peers.count == (name == rack(address(0)) ? expected + 1 : expected))
        }
        let neighbours = graph.neighbours
        #expect(neighbours.values.allSatisfy { $0.count >= min(11, hosts - 1) })
        // Those of one rack know each other.
        for peers in gateways.values {
            for one in peers { #expect(peers.subtracting([one]).isSubset(of: neighbours[one] ?? [])) }
        }
    }

    @Test func `four of a rack's hosts that came whole are told of other racks`() throws {
        var graph = Graph()
        func rack(_ address: String) -> String { address.hasPrefix("10.0.0.") ? "a" : "b" }
        for number in 250..<260 { try graph.announce(address(number), rack: "b") }
        for number in 0..<7 { try graph.announce(address(number), rack: "a", left: number == 6 ? 9 : 0) }
        // The one that came incomplete has a place of its own.
        #expect(graph.gateways(rack)["a"]?.count == 5)
    }

    @Test func `those of one family are one graph of even degree, where answers have no room for the other`() throws {
        var graph = Graph()
        func six(_ number: Int) -> String { "[fd00::\(String(number + 1, radix: 16))]:6881" }
        func announce(_ number: Int) throws {
            graph.script.families = .ipv4
            try graph.announce(address(number), rack: nil, wanted: 14)
            graph.script.families = .ipv6
            try graph.announce(six(number), rack: nil, wanted: 14)
        }
        for _ in 0..<2 { for number in 0..<100 { try announce(number) } }
        for isIPv6 in [false, true] {
            var family = Graph()
            family.names = graph.names.filter { $0.key.hasPrefix("[") == isIPv6 }
            #expect(family.names.values.allSatisfy { $0.allSatisfy { $0.hasPrefix("[") == isIPv6 } })
            let degrees = family.neighbours.mapValues(\.count)
            // 2 ln 100 is 9.2.
            #expect(family.isConnected() && degrees.count == 100)
            #expect(degrees.values.min() ?? 0 >= 10 && degrees.values.max() ?? 0 <= 28)
        }
    }

    @Test func `who asks again for more is told of others than before`() throws {
        var graph = Graph()
        for number in 0..<300 { try graph.announce(address(number), rack: "a") }
        var known: Set<String> = []
        for _ in 0..<12 {
            let before = known.count
            try graph.announce(address(7), rack: "a")
            known.formUnion(graph.names[address(7)] ?? [])
            #expect(known.count >= min(before + 5, 250))
        }
        #expect(known.count > 200)
    }

    @Test func `when a gateway leaves, or is silent for long, another peer of the rack takes its place`() throws {
        var graph = Graph()
        func rack(_ address: String) -> String { address.hasPrefix("10.0.0.") ? "a" : "b" }
        for round in 0..<2 {
            for number in 0..<20 {
                for host in [number, 250 + number] {
                    try graph.announce(address(host), rack: rack(address(host)), left: Int64(90_000 - round))
                }
            }
        }
        let first = graph.gateways(rack)
        #expect(first.values.map(\.count) == [6, 6])
        for gateway in first["b"] ?? [] { try graph.announce(gateway, rack: "b", event: .stopped) }
        for number in 0..<20 where first["b"]?.contains(address(250 + number)) != true {
            try graph.announce(address(250 + number), rack: "b", left: 80_000)
        }
        // Fourteen are left.
        #expect(graph.gateways(rack)["b"]?.count == 4)
        #expect(graph.gateways(rack)["b"]?.isDisjoint(with: first["b"] ?? []) == true)
        // Rack a falls silent but for one.
        let other = try #require((0..<20).map(address).first { first["a"]?.contains($0) != true })
        for second in stride(from: 10, through: 60, by: 10) {
            graph.script.now = Double(second)
            for number in 0..<20 where graph.names[address(250 + number)] != nil {
                try graph.announce(address(250 + number), rack: "b", left: Int64(7000 - second))
            }
            try graph.announce(other, rack: "a", left: Int64(7000 - second))
        }
        #expect(graph.names[other]?.contains { rack($0) == "b" } == true)
    }

    @Test func `who gets nothing although it could is told of other racks, and only then`() throws {
        var graph = Graph()
        func rack(_ address: String) -> String { address.hasPrefix("10.0.0.") ? "a" : "b" }
        for number in 0..<12 { try graph.announce(address(number), rack: "a") }
        for number in 250..<262 { try graph.announce(address(number), rack: "b") }
        let last = address(261)
        // Nobody has anything yet, so that nobody is stuck.
        for _ in 0..<5 { try graph.announce(last, rack: "b") }
        #expect(graph.gateways(rack)["b"]?.contains(last) == false)
        try graph.announce(address(100), rack: "a", left: 0)
        // A minute counts, and not how often it asks.
        for second in 0..<60 {
            graph.script.now = Double(second)
            try graph.announce(last, rack: "b")
            try graph.announce(last, rack: "b")
            #expect(graph.gateways(rack)["b"]?.contains(last) == false)
            guard second % 20 == 0 else { continue }
            // The others are there all the time.
            try graph.announce(address(100), rack: "a", left: 0)
            for number in 0..<12 { try graph.announce(address(number), rack: "a") }
            for number in 250..<261 { try graph.announce(address(number), rack: "b") }
        }
        graph.script.now = 60
        for _ in 0..<2 {
            try graph.announce(last, rack: "b")
            #expect(graph.gateways(rack)["b"]?.contains(last) == true)
        }
        try graph.announce(last, rack: "b", left: 8)
        #expect(graph.gateways(rack)["b"]?.contains(last) == false)
    }

    @Test func `peers without a rack and gateways are told of each other`() throws {
        var graph = Graph()
        for number in 0..<10 { try graph.announce(address(number), rack: "a", left: number == 0 ? 0 : 9) }
        for number in 250..<260 { try graph.announce(address(number), rack: nil) }
        for number in 0..<10 { try graph.announce(address(number), rack: "a", left: number == 0 ? 0 : 8) }
        // The seed and four more.
        let told = graph.names.filter { $0.key.hasPrefix("10.0.0.") && $0.value.contains { $0.hasPrefix("10.0.1.") } }
        #expect(told.count == 5)
        for number in 250..<260 {
            try graph.announce(address(number), rack: nil, left: 8)
            #expect(graph.names[address(number)]?.count == 9 + 5)
        }
        #expect(graph.isConnected())
    }

    @Test func `a peer that moves to another rack is told of that one's peers`() throws {
        var graph = Graph()
        for number in 0..<8 { try graph.announce(address(number), rack: "a") }
        for number in 250..<258 { try graph.announce(address(number), rack: "b") }
        try graph.announce(address(7), rack: "b", left: 8)
        #expect(Set(graph.names[address(7)] ?? []) == Set((250..<258).map(address)))
        try graph.announce(address(300), rack: "gone")
        try graph.announce(address(300), rack: "gone", event: .stopped)
        #expect(try graph.script.counts()?.incomplete == 16)
    }
}
