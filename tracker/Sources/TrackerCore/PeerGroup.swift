// SPDX-License-Identifier: Apache-2.0

/// Peers that are told of each other: those of one rack, or those on the floor, which are the gateways of all racks and the
/// peers without one. Seeds and leechers stand in two dense lists, so that drawing a random one is one look; all stand
/// on rings, so that nobody is left out.
struct PeerGroup: Sendable {
    /// What a group is to its members, each of which may be in one group of either kind.
    enum Kind {
        case rack, floor
    }

    let kind: Kind
    private(set) var seeds: [Int32] = []
    private(set) var leechers: [Int32] = []
    private(set) var rings = RandomRings()

    init(_ kind: Kind) { self.kind = kind }

    var count: Int { seeds.count + leechers.count }

    /// Takes a peer in that is not a member.
    mutating func insert(_ slot: Int32, of peers: inout [TrackedPeer], using random: inout SplitMix64) {
        let ring = Int32(rings.insert(slot, using: &random))
        let list = Int32(peers[Int(slot)].isSeed ? seeds.count : leechers.count)
        if peers[Int(slot)].isSeed { seeds.append(slot) } else { leechers.append(slot) }
        peers[Int(slot)][kind] = TrackedPeer.Place(list: list, ring: ring)
    }

    /// Lets a member go.
    mutating func remove(_ slot: Int32, of peers: inout [TrackedPeer]) {
        guard let own = peers[Int(slot)][kind] else { return }
        leaveList(own.list, isSeed: peers[Int(slot)].isSeed, of: &peers)
        if let moved = rings.remove(at: Int(own.ring)) { peers[Int(moved)][kind]?.ring = own.ring }
        peers[Int(slot)][kind] = nil
    }

    /// A member has become a seed or a leecher, and already says so.
    mutating func turned(_ slot: Int32, of peers: inout [TrackedPeer]) {
        guard let own = peers[Int(slot)][kind] else { return }
        let isSeed = peers[Int(slot)].isSeed
        leaveList(own.list, isSeed: !isSeed, of: &peers)
        peers[Int(slot)][kind]?.list = Int32(isSeed ? seeds.count : leechers.count)
        if isSeed { seeds.append(slot) } else { leechers.append(slot) }
    }

    private mutating func leaveList(_ number: Int32, isSeed: Bool, of peers: inout [TrackedPeer]) {
        // The last one of the list moves into the gap.
        guard let last = isSeed ? seeds.popLast() : leechers.popLast() else { return }
        if isSeed, Int(number) < seeds.count {
            seeds[Int(number)] = last
        } else if !isSeed, Int(number) < leechers.count {
            leechers[Int(number)] = last
        } else {
            return
        }
        peers[Int(last)][kind]?.list = number
    }
}
