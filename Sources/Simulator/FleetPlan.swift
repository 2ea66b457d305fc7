// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// A fleet as its operator thinks of it: how many hosts, on which links, and what part of them gives trouble. A
/// ``Scenario`` follows from it, the same one each time.
package struct FleetPlan: Sendable {
    /// All hosts, seeds included.
    package var hosts = 20
    /// Hosts that have the image at the start, and stay.
    package var seeds = 1
    package var geometry: PieceGeometry
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
        var scenario = Scenario(seed: random.next(), geometry: geometry, hosts: hosts, deadline: .zero)
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
