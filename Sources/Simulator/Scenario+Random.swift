// SPDX-License-Identifier: Apache-2.0

package import Metainfo
import Swarm

extension Scenario {
    /// One seed and `count - 1` empty hosts on equal links, nothing going wrong.
    /// - Parameter rate: bytes a second, up and down.
    package static func clean(seed: UInt64, geometry: PieceGeometry, count: Int, rate: Double) -> Scenario {
        var hosts = Array(repeating: Host(uplink: rate, downlink: rate), count: max(2, count))
        hosts[0].isSeed = true
        var scenario = Scenario(seed: seed, geometry: geometry, hosts: hosts, deadline: .zero)
        scenario.deadline = scenario.bound * 10 + .seconds(60)
        return scenario
    }

    /// A small world with faults, all of it drawn from `seed`: 2 to 40 hosts and at most 64 pieces. The first host is
    /// an honest seed that stays, so that completing is always possible.
    package static func random(seed: UInt64) -> Scenario? {
        var random = SeededRandom(seed: seed)
        let pieceLength = (16 << 10) << Int.random(in: 0...8, using: &random)
        let longest = max(1, min(64, (8 << 20) / pieceLength))
        let pieces = Int.random(in: 1...longest, using: &random)
        let tail = Int.random(in: 1...pieceLength, using: &random)
        guard let geometry = PieceGeometry(size: Int64((pieces - 1) * pieceLength + tail), pieceLength: pieceLength)
        else { return nil }
        let rates = [0.5e6, 1.25e6, 5e6, 12.5e6, 125e6]
        // Most worlds are small, so that many can be seen.
        let count = Int.random(in: 2...(random.happens(0.2) ? 40 : 16), using: &random)
        let racks = random.happens(0.5) ? 1 : Int.random(in: 2...4, using: &random)
        var hosts: [Host] = []
        for number in 0..<count {
            let rate = rates[Int.random(in: 0..<rates.count, using: &random)]
            var host = Host(uplink: rate, downlink: max(rate, 1.25e6))
            host.rooms = random.happens(0.2) ? 2 : 32
            host.diskDelay = random.duration(upTo: .milliseconds(random.happens(0.1) ? 200 : 5))
            host.isSeed = number == 0 || random.happens(0.1)
            host.rack = number % racks
            if number > 0 { host.suffer(&random) }
            hosts.append(host)
        }
        var scenario = Scenario(seed: random.next(), geometry: geometry, hosts: hosts, deadline: .seconds(3600))
        scenario.delay = random.duration(upTo: .milliseconds(random.happens(0.2) ? 200 : 5))
        scenario.hop = random.duration(upTo: .milliseconds(random.happens(0.2) ? 20 : 1))
        if random.happens(0.3) { scenario.faults.brokenConnections = 0.2 }
        if random.happens(0.2) { scenario.faults.trackerSilence = .seconds(3)..<(.seconds(60)) }
        if random.happens(0.3) {
            // Fewer places than hosts, so that some have to make room.
            scenario.limits.connections = Int.random(in: 4...16, using: &random)
            scenario.limits.connectionsSought = Int.random(in: 2...scenario.limits.connections, using: &random)
        }
        if racks > 1 {
            scenario.rackDelay = random.duration(upTo: .milliseconds(20))
            scenario.tellsRacks = random.happens(0.5)
            if random.happens(0.5) { scenario.rackLink = rates[Int.random(in: 1..<rates.count, using: &random)] }
        }
        if random.happens(0.2) { scenario.faults.partitions = [.drawn(count, using: &random)] }
        if random.happens(0.3) {
            // As with large pieces: fewer under way than there are.
            scenario.limits.piecesUnderWay = Int.random(in: 2...8, using: &random)
            scenario.limits.bytesUnderWay = 0
        }
        return scenario
    }
}

extension Scenario.Faults.Partition {
    /// Some of the hosts, for up to three minutes: longer than a silent connection is kept.
    fileprivate static func drawn(_ count: Int, using random: inout SeededRandom) -> Self {
        let start = random.duration(upTo: .seconds(20))
        let hosts = (0..<count).filter { _ in random.happens(0.4) }
        return Self(hosts: Set(hosts), time: start..<(start + .seconds(1) + random.duration(upTo: .seconds(180))))
    }
}

extension Scenario.Host {
    /// Gives the host a fate.
    fileprivate mutating func suffer(_ random: inout SeededRandom) {
        if random.happens(0.3) { starts = random.duration(upTo: .seconds(20)) }
        if random.happens(0.15) {
            lies = random.happens(0.5) ? 1 : 0.05
            isSeed = random.happens(0.5)
        } else if random.happens(0.2) {
            ends = starts + random.duration(upTo: .seconds(30))
            end = random.happens(0.5) ? .stops : .vanishes
            if random.happens(0.5) { returnsAfter = random.duration(upTo: .seconds(40)) }
        }
        if random.happens(0.1) { uplink = 50e3 }
        if random.happens(0.1) {
            let start = random.duration(upTo: .seconds(10))
            fullDisk = start..<(start + .seconds(1) + random.duration(upTo: .seconds(60)))
        }
    }
}
