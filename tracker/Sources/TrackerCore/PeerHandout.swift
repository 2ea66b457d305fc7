// SPDX-License-Identifier: Apache-2.0

import TrackerProtocol

/// Decides which peers of a swarm an announcing peer is told about.
///
/// First come its neighbours on the rings of its rack, and on those of the floor if it is a gateway, which make a connected
/// graph in which everybody has as many neighbours; then others of the same group, drawn at random. Seeds and leechers are drawn
/// alike: preferring seeds would send a whole fleet to the one host that has the image.
package struct PeerHandout: Sendable {
    /// Peers handed out when the request names no number.
    package let defaultCount: Int
    /// Peers handed out at most.
    package let maximumCount: Int
    /// How many incomplete peers of one rack are told of peers in others, at least and at most. That many copies of the image
    /// could enter it, if they did not agree on who brings what.
    package let fewestGateways: Int
    package let mostGateways: Int
    /// Between these, a rack has one gateway for so many peers: what comes in passes through few uplinks, and they are
    /// what its other hosts wait for.
    package let peersPerGateway: Int
    /// How many peers of one rack that came whole are told of peers in others.
    package let seedGateways: Int
    /// Peers of other racks that a leecher is told of which has got nothing although it could have …
    package let relief: Int
    /// … for this long: a few announces, however often a client announces, and longer than a large piece takes.
    package let patience: Duration

    package init(
        defaultCount: Int = 50, maximumCount: Int = 200, fewestGateways: Int = 4, mostGateways: Int = 8,
        peersPerGateway: Int = 3, seedGateways: Int = 4, relief: Int = 8, patience: Duration = .seconds(60)
    ) {
        self.defaultCount = defaultCount
        self.maximumCount = maximumCount
        self.fewestGateways = fewestGateways
        self.mostGateways = mostGateways
        self.peersPerGateway = max(1, peersPerGateway)
        self.seedGateways = seedGateways
        self.relief = relief
        self.patience = patience
    }

    /// How many peers a request gets at most.
    package func count(wanted: Int?) -> Int { min(max(wanted ?? defaultCount, 0), maximumCount) }

    /// How many incomplete peers of a rack of so many may be gateways.
    func gateways(ofRackOf peers: Int) -> Int { max(fewestGateways, min(peers / peersPerGateway, mostGateways)) }

    /// At most `count` peers for the one in `slot`.
    ///
    /// Leechers are told of seeds and leechers, seeds only of leechers, and nobody of itself, whether it is known by
    /// its address or, under its other address family, by its id. A loopback address means the reader's own host, so
    /// only peers that are themselves on loopback are told of one. At most about four times `count` peers are looked
    /// at, so that the cost does not grow with the swarm.
    func peers(
        for slot: Int32, of swarm: TrackedSwarm, isStuck: Bool, families: AddressFamilies, count: Int,
        now: Duration, using random: inout SplitMix64
    ) -> [PeerAddress] {
        guard count > 0 else { return [] }
        let requester = swarm.peers[Int(slot)]
        var handout = Handout(slot, requester, swarm.contacts[Int(slot)], families: families, now: now)
        handout.names.reserveCapacity(min(count, swarm.placeCount))
        if let rack = requester.rack {
            // Gateways of one rack agree with each other on who brings what.
            if requester.isGateway { handout.offer(swarm.racks[Int(rack)].gateways, of: swarm, upTo: count / 4) }
            // At most half of the places go to other racks, so that one who asks for few is told of both.
            let own = handout.names.count
            let abroad = min(count, own + (count + 1) / 2)
            if isStuck {
                handout.fill(from: swarm.floor, of: swarm, upTo: min(abroad, own + relief), using: &random)
            } else if let place = requester.onFloor {
                handout.neighbours(at: place, on: swarm.floor.rings, of: swarm, upTo: abroad, using: &random)
            }
            let group = swarm.racks[Int(rack)].group
            if let place = requester.inRack {
                handout.neighbours(at: place, on: group.rings, of: swarm, upTo: count, using: &random)
            }
            handout.fill(from: group, of: swarm, upTo: count, using: &random)
        } else if let place = requester.onFloor {
            let floor = swarm.floor
            handout.neighbours(at: place, on: floor.rings, of: swarm, upTo: count, using: &random)
            handout.fill(from: floor, of: swarm, upTo: count, using: &random)
        }
        return handout.names
    }
}

/// The addresses named so far to one peer, and whom it may be told of.
private struct Handout {
    let slot: Int32
    let peerID: PeerID
    let requester: Contact
    let families: AddressFamilies
    /// The second that it is in.
    let now: UInt32
    var names: [PeerAddress] = []
    /// How many of the names the next one may be among; a walk through a group comes by nobody twice.
    private var doubtful = 0
    /// Tells of most peers at once that they are not named yet: one of 1,024 bits for each that is.
    private var marks = InlineArray<16, UInt64>(repeating: 0)

    init(_ slot: Int32, _ peer: TrackedPeer, _ requester: Contact, families: AddressFamilies, now: Duration) {
        self.slot = slot
        peerID = peer.peerID
        self.requester = requester
        self.families = families
        self.now = ExpiryWheel.begun(now)
    }

    mutating func neighbours(
        at place: TrackedPeer.Place, on rings: RandomRings, of swarm: TrackedSwarm, upTo count: Int,
        using random: inout SplitMix64
    ) {
        doubtful = names.count
        rings.forEachNeighbour(of: Int(place.ring), using: &random) { slot in
            let contact = swarm.contacts[Int(slot)]
            // Whoever cannot be told of is passed over, so that those of one family are a graph of their own.
            guard contact.expires > now, families.contains(contact.address) else { return false }
            if names.count < count {
                offer(slot, of: swarm)
                doubtful = names.count
            }
            return true
        }
    }

    mutating func fill(
        from group: PeerGroup, of swarm: TrackedSwarm, upTo count: Int, using random: inout SplitMix64
    ) {
        let seedCount = requester.isSeed ? 0 : group.seeds.count
        let total = seedCount + group.leechers.count
        guard names.count < count, total > 0 else { return }
        doubtful = names.count
        var number = Int.random(in: 0..<total, using: &random)
        let step = Self.step(through: total, using: &random)
        for _ in 0..<min(total, 4 * count + 16) where names.count < count {
            offer(number < seedCount ? group.seeds[number] : group.leechers[number - seedCount], of: swarm)
            // checked: the step is less than the total, and so is the number.
            number = number < total - step ? number + step : number - (total - step)
        }
    }

    /// A random step that comes by all of `total` numbers before it comes back, so that neither all seeds nor those who came
    /// together are named, and dialled, one after another.
    private static func step(through total: Int, using random: inout SplitMix64) -> Int {
        for _ in 0..<8 where total > 2 {
            let step = Int.random(in: 1..<total, using: &random)
            var (larger, smaller) = (total, step)
            while smaller > 0 { (larger, smaller) = (smaller, larger % smaller) }
            if larger == 1 { return step }
        }
        return 1
    }

    /// Names some of these, who stand in no order.
    mutating func offer(_ slots: [Int32], of swarm: TrackedSwarm, upTo count: Int) {
        doubtful = names.count
        for slot in slots where names.count < count { offer(slot, of: swarm) }
    }

    private mutating func offer(_ slot: Int32, of swarm: TrackedSwarm) {
        let contact = swarm.contacts[Int(slot)]
        guard !(requester.isSeed && contact.isSeed), contact.expires > now, families.contains(contact.address),
            !contact.isLoopback || requester.isLoopback, slot != self.slot,
            contact.idTag != requester.idTag || swarm.peers[Int(slot)].peerID != peerID
        else { return }
        let (word, bit) = (Int(slot >> 6 & 15), UInt64(1) << UInt64(slot & 63))
        if marks[word] & bit != 0, names[..<doubtful].contains(contact.address) { return }
        marks[word] |= bit
        names.append(contact.address)
    }
}
