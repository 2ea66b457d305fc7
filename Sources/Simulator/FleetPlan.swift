// SPDX-License-Identifier: Apache-2.0

package import Metainfo
import Swarm

/// A fleet as its operator thinks of it: how many hosts, on which links, and what part of them gives trouble. A
/// ``Scenario`` follows from it, the same one each time.
package struct FleetPlan: Sendable {
    /// All hosts, seeds included.
    package var hosts = 20
    /// Hosts that have the image at the start, and stay.
    package var seeds = 1
    package var geometry: PieceGeometry
    /// The bytes of the image that travel and are stored as one block: a power of two from a block's to a piece's length. More
    /// than a block makes a run coarser and shorter.
    package var grain = PieceGeometry.blockLength
    /// What each host sends and receives at most, in bytes a second.
    package var rate = 125e6
    /// One-way delay between any two hosts; each pair has between half and all of it.
    package var delay = Duration.microseconds(200)
    package var racks = 1
    /// What each rack's link to the others carries in each direction, in bytes a second; `nil` for any amount.
    package var rackLink: Double?
    /// Whether hosts tell the tracker in which rack they stand.
    package var tellsRacks = true
    // Parts of the hosts that are no seeds, from 0 to 1; one host may be among several.
    /// Those whose link has a tenth of the rate.
    package var slow = 0.0
    /// Those whose power goes before they have the image.
    package var dying = 0.0
    /// Those that serve wrong bytes.
    package var lying = 0.0
    /// Those that start only when the others should be half done.
    package var late = 0.0
    /// Decides who gives trouble, and everything random besides.
    package var seed: UInt64 = 1
    package var traceLimit = 0

    package init(geometry: PieceGeometry) { self.geometry = geometry }

    /// The least grain with which a run comes to no more than two million blocks, or takes as little time as can be.
    package static func preferredGrain(hosts: Int, geometry: PieceGeometry) -> Int {
        var grain = PieceGeometry.blockLength
        while grain < geometry.pieceLength, geometry.size / Int64(grain) * Int64(hosts) > 2_000_000 { grain *= 2 }
        return grain
    }

    package var scenario: Scenario {
        var random = SeededRandom(seed: seed)
        var hosts = (0..<max(2, self.hosts)).map { number in
            var host = Scenario.Host(uplink: rate, downlink: rate)
            host.isSeed = number < max(1, seeds)
            host.rack = number % max(1, racks)
            // A master is published before hosts are told to fetch it.
            host.starts = host.isSeed ? .zero : .seconds(1)
            return host
        }
        let others = hosts.indices.filter { !hosts[$0].isSeed }
        func some(_ part: Double) -> ArraySlice<Int> {
            others.shuffled(using: &random).prefix(Int((part * Double(others.count)).rounded()))
        }
        let half = Duration.seconds(Double(geometry.size) / rate / 2)
        for number in some(slow) {
            hosts[number].uplink = rate / 10
            hosts[number].downlink = rate / 10
        }
        for number in some(dying) {
            hosts[number].ends = hosts[number].starts + random.duration(upTo: half * 2)
            hosts[number].end = .vanishes
        }
        for number in some(late) { hosts[number].starts += half }
        for number in some(lying) { hosts[number].lies = 1 }
        let scale = max(1, grain / PieceGeometry.blockLength)
        var scenario = Scenario(
            seed: random.next(), geometry: geometry.divided(by: scale), hosts: hosts, deadline: .zero)
        scenario.scale = scale
        if scale > 1 {
            scenario.limits = scenario.limits.divided(by: scale)
            // A tenth of a millisecond is nothing beside a block's time.
            scenario.hop = .zero
        }
        scenario.delay = delay
        scenario.rackLink = rackLink
        scenario.tellsRacks = tellsRacks && racks > 1
        scenario.traceLimit = traceLimit
        // The machines' own books are checked in the small worlds of the tests; here it would take most of the time.
        scenario.audits = false
        scenario.deadline = scenario.bound * 20 + .seconds(600)
        return scenario
    }
}

extension PieceGeometry {
    /// The geometry of an image that is so many times smaller and has as many pieces.
    fileprivate func divided(by scale: Int) -> PieceGeometry {
        guard scale > 1 else { return self }
        // checked: a positive scale.
        return PieceGeometry(size: max(1, size / Int64(scale)), pieceLength: pieceLength / scale) ?? self
    }
}

extension SwarmLimits {
    /// Limits under which blocks that are so many times as long are treated as short ones are. What cannot be less than one
    /// block is one.
    fileprivate func divided(by scale: Int) -> SwarmLimits {
        func part(_ blocks: Int) -> Int { max(1, blocks / scale) }  // checked: a positive scale.
        var limits = self
        limits.slotLength = max(1, slotLength / Int64(scale))
        limits.batchLength = max(PieceGeometry.blockLength, batchLength / scale)
        limits.bytesUnderWay = max(PieceGeometry.blockLength, bytesUnderWay / scale)
        limits.leastUsefulRate = leastUsefulRate / Double(scale)
        // A run would leave in several segments, between which news would go, in the middle of its message.
        limits.blocksPerRequest = 1
        limits.fewestBlocksPerRead = part(fewestBlocksPerRead)
        limits.blocksPerRead = part(blocksPerRead)
        limits.minimumPipeline = part(minimumPipeline)
        // The loan beyond the pipeline is a part of a block.
        limits.shortestBacklog = shortestBacklog / scale
        limits.fewestBlocksSought = part(fewestBlocksSought)
        limits.initialPipeline = part(initialPipeline)
        limits.maximumPipeline = part(maximumPipeline)
        return limits
    }
}
