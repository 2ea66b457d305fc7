// SPDX-License-Identifier: Apache-2.0

/// Members on several closed rings, each in a random order of its own. Everybody's neighbours on all rings together make a
/// random regular graph (Law, Siu: "Distributed construction of random expander networks", 2003). It is connected
/// however its members come and go, since each ring by itself is; and nobody has fewer neighbours than the others.
struct RandomRings: Sendable {
    /// What stands at each place; places are dense, and the last one moves into a gap.
    private(set) var members: [Int32] = []
    private(set) var ringCount = Self.ringCount(for: 0)
    /// The neighbours of the place, ring by ring.
    private var links: [Link] = []

    private struct Link: Sendable {
        var before: Int32
        var behind: Int32
    }

    /// So many rings that twice their number is at least 2 ln `count`, and 8, even where two of the neighbours are one.
    static func ringCount(for count: Int) -> Int {
        // Bits are logarithms to base 2, and ln 2 is a bit less than 0.7.
        let bits = Int.bitWidth - count.leadingZeroBitCount
        return max(4, (bits * 7 + 9) / 10) + 1
    }

    /// Puts the member behind a random one on each ring.
    /// - Returns: its place.
    mutating func insert(_ member: Int32, using random: inout SplitMix64) -> Int {
        let place = members.count
        members.append(member)
        let own = Int32(place)
        for ring in 0..<ringCount {
            guard place > 0 else {
                links.append(Link(before: own, behind: own))
                continue
            }
            let before = Int.random(in: 0..<place, using: &random)
            let behind = links[before * ringCount + ring].behind
            links.append(Link(before: Int32(before), behind: behind))
            links[before * ringCount + ring].behind = own
            links[Int(behind) * ringCount + ring].before = own
        }
        if Self.ringCount(for: members.count) > ringCount { addRing(using: &random) }
        return place
    }

    /// Takes out what stands at a place; its neighbours become each other's.
    /// - Returns: the member that stands there now because it moved, if one did.
    mutating func remove(at place: Int) -> Int32? {
        guard place < members.count else { return nil }
        let last = members.count - 1
        for ring in 0..<ringCount {
            let gap = links[place * ringCount + ring]
            links[Int(gap.before) * ringCount + ring].behind = gap.behind
            links[Int(gap.behind) * ringCount + ring].before = gap.before
            guard place != last else { continue }
            let moved = links[last * ringCount + ring]
            let isAlone = Int(moved.before) == last
            links[Int(moved.before) * ringCount + ring].behind = Int32(place)
            links[Int(moved.behind) * ringCount + ring].before = Int32(place)
            let own = Int32(place)
            links[place * ringCount + ring] = isAlone ? Link(before: own, behind: own) : moved
        }
        links.removeLast(ringCount)
        members[place] = members[last]
        members.removeLast()
        return place == last ? nil : members[place]
    }

    /// How far is looked along a ring for one who counts as a neighbour.
    private static let reach = 32

    /// The neighbours of a place, those on a random ring first. One that is a neighbour on two rings comes twice.
    /// - Parameter body: whether this one counts as a neighbour; if not, the next one in its direction is asked for.
    func forEachNeighbour(of place: Int, using random: inout SplitMix64, _ body: (Int32) -> Bool) {
        let first = Int.random(in: 0..<ringCount, using: &random)
        for step in 0..<ringCount {
            let ring = first + step < ringCount ? first + step : first + step - ringCount
            for isForward in [false, true] {
                var other = place
                for _ in 0..<Self.reach {
                    let link = links[other * ringCount + ring]
                    other = Int(isForward ? link.behind : link.before)
                    if other == place || body(members[other]) { break }
                }
            }
        }
    }

    /// One more ring; each time the members have become about four times as many.
    private mutating func addRing(using random: inout SplitMix64) {
        var order = Array(members.indices)
        order.shuffle(using: &random)
        var wider: [Link] = []
        wider.reserveCapacity(members.count * (ringCount + 1))
        for place in members.indices {
            wider += links[place * ringCount..<(place + 1) * ringCount]
            wider.append(Link(before: 0, behind: 0))
        }
        ringCount += 1
        for (step, place) in order.enumerated() {
            let next = order[step + 1 < order.count ? step + 1 : 0]
            wider[place * ringCount + ringCount - 1].behind = Int32(next)
            wider[next * ringCount + ringCount - 1].before = Int32(place)
        }
        links = wider
    }
}
