// SPDX-License-Identifier: Apache-2.0

import TrackerProtocol

/// The peers of one info-hash, by rack.
///
/// A rack's peers are told of each other. A few of them are its gateways, which stand on the floor as well and are told of
/// the gateways of other racks: what enters the rack enters through them, and each brings one copy at most. Peers
/// without a rack stand on the floor only.
struct TrackedSwarm: Sendable {
    /// By slot. Slots of peers that were forgotten are used again.
    private(set) var peers: [TrackedPeer] = []
    /// By slot as well.
    private(set) var contacts: [Contact] = []
    private var freeSlots: [Int32] = []
    private var slots: [PeerAddress: Int32] = [:]
    private var peersByHost: [IPAddress: Int] = [:]
    private(set) var floor = PeerGroup(.floor)
    private(set) var racks: [TrackedRack] = []
    private var freeRacks: [Int32] = []
    private var rackNumbers: [RackName: Int32] = [:]
    private(set) var seedCount = 0
    private(set) var leecherCount = 0
    /// Downloads that were completed since the swarm became known.
    private(set) var downloaded = 0
    /// Whether any leecher has ever got anything.
    private(set) var hasMoved = false

    /// The number of peers that take up memory, those just gone included.
    var placeCount: Int { slots.count }

    func slot(of address: PeerAddress) -> Int32? { slots[address] }

    func placeCount(of host: IPAddress) -> Int { peersByHost[host] ?? 0 }

    /// Notes the second of the wheel that stands for the peer.
    mutating func setScheduled(_ second: UInt32, for slot: Int32) { peers[Int(slot)].scheduled = second }

    /// Whether anything in the swarm is incomplete beside the peer of this slot.
    func isActive(without slot: Int32?) -> Bool {
        let own = slot.map { !peers[Int($0)].isGone && !peers[Int($0)].isSeed } ?? false
        return leecherCount > (own ? 1 : 0)
    }

    /// Adds the peer or replaces what is known of it.
    /// - Parameters:
    ///   - slot: the slot of its address, or `nil` when it is new.
    ///   - handout: how many gateways a rack has, and how long a peer may get nothing before it counts as stuck.
    /// - Returns: its slot, and whether it is stuck: it has got nothing for that long although it could have.
    mutating func update(
        _ request: AnnounceRequest, at address: PeerAddress, slot known: Int32?, now: Duration, expires: Duration,
        handout: PeerHandout, using random: inout SplitMix64
    ) -> (slot: Int32, isStuck: Bool) {
        let slot = known ?? newSlot(for: address, request.peerID)
        let before = peers[Int(slot)]
        let rack = rackNumber(request.rack, staying: before)
        if !before.isGone, before.rack != rack { leave(slot) }
        peers[Int(slot)].peerID = request.peerID
        peers[Int(slot)].left = request.left
        contacts[Int(slot)].expires = ExpiryWheel.second(expires)
        contacts[Int(slot)].idTag = request.peerID.words.third
        contacts[Int(slot)].isSeed = request.left == 0
        var completed = false
        var progressed = true
        if peers[Int(slot)].isGone {
            peers[Int(slot)].isGone = false
            peers[Int(slot)].rack = rack
            join(slot, using: &random)
            completed = known == nil
        } else {
            if before.isSeed != (request.left == 0) { turned(slot) }
            completed = !before.isSeed && request.left == 0
            progressed = request.left < before.left
            if progressed { hasMoved = true }
        }
        let canProgress = request.left > 0 && (seedCount > 0 || hasMoved)
        let idleSince = canProgress ? progressed ? now : before.idleSince ?? now : nil
        peers[Int(slot)].idleSince = idleSince
        promote(slot, handout, using: &random)
        if request.event == .completed, completed { downloaded += 1 }  // checked: no more than announces.
        return (slot, isStuck: idleSince.map { now - $0 >= handout.patience } ?? false)
    }

    /// Remembers the peer of this slot until `expires`.
    /// - Returns: `false` when it has left, or its time is up.
    mutating func renew(_ slot: Int32, now: Duration, expires: Duration) -> Bool {
        guard !peers[Int(slot)].isGone, contacts[Int(slot)].expires > ExpiryWheel.begun(now) else { return false }
        contacts[Int(slot)].expires = max(contacts[Int(slot)].expires, ExpiryWheel.second(expires))
        return true
    }

    /// Stops counting and handing out the peer; its slot remains until ``expire(_:now:)``.
    mutating func leave(_ slot: Int32) {
        let peer = peers[Int(slot)]
        guard !peer.isGone else { return }
        floor.remove(slot, of: &peers)
        if let rack = peer.rack {
            racks[Int(rack)].group.remove(slot, of: &peers)
            if peer.isGateway { racks[Int(rack)].gateways.removeAll { $0 == slot } }
            if peer.isGateway, peer.bringsCopy { racks[Int(rack)].entries -= 1 }
            if racks[Int(rack)].group.count == 0 {
                rackNumbers[racks[Int(rack)].name] = nil
                freeRacks.append(rack)
            }
        }
        if peer.isSeed { seedCount -= 1 } else { leecherCount -= 1 }
        peers[Int(slot)].isGone = true
        peers[Int(slot)].rack = nil
        peers[Int(slot)].idleSince = nil
    }

    /// Removes the peer for good when it has left or its time is up.
    /// - Returns: the second in which to look again, or `nil` when it is removed.
    mutating func expire(_ address: PeerAddress, now: Duration) -> UInt32? {
        guard let slot = slots[address] else { return nil }
        let expires = contacts[Int(slot)].expires
        if !peers[Int(slot)].isGone, expires > ExpiryWheel.begun(now) { return expires }
        leave(slot)
        slots[address] = nil
        freeSlots.append(slot)
        let remaining = (peersByHost[address.host] ?? 1) - 1
        peersByHost[address.host] = remaining > 0 ? remaining : nil
        return nil
    }

    // MARK: Places

    private mutating func newSlot(for address: PeerAddress, _ peerID: PeerID) -> Int32 {
        let slot: Int32
        if let free = freeSlots.popLast() {
            slot = free
            peers[Int(slot)] = TrackedPeer(peerID: peerID)
            contacts[Int(slot)] = Contact(address: address)
        } else {
            slot = Int32(peers.count)
            peers.append(TrackedPeer(peerID: peerID))
            contacts.append(Contact(address: address))
        }
        slots[address] = slot
        peersByHost[address.host, default: 0] += 1
        return slot
    }

    private mutating func join(_ slot: Int32, using random: inout SplitMix64) {
        if peers[Int(slot)].isSeed { seedCount += 1 } else { leecherCount += 1 }
        if let rack = peers[Int(slot)].rack {
            racks[Int(rack)].group.insert(slot, of: &peers, using: &random)
        } else {
            floor.insert(slot, of: &peers, using: &random)
        }
    }

    private mutating func turned(_ slot: Int32) {
        let isSeed = peers[Int(slot)].isSeed
        seedCount += isSeed ? 1 : -1
        leecherCount += isSeed ? -1 : 1
        if let rack = peers[Int(slot)].rack { racks[Int(rack)].group.turned(slot, of: &peers) }
        floor.turned(slot, of: &peers)
    }

    /// Makes the peer a gateway of its rack if there is a place for one. A seed brings no copy, so that it has a place of
    /// another kind, of which there are few: where hosts come whole, what they have is there already.
    private mutating func promote(_ slot: Int32, _ handout: PeerHandout, using random: inout SplitMix64) {
        guard let number = peers[Int(slot)].rack, peers[Int(slot)].onFloor == nil else { return }
        let isSeed = peers[Int(slot)].isSeed
        guard racks[Int(number)].hasPlace(forSeed: isSeed, handout) else { return }
        racks[Int(number)].gateways.append(slot)
        if !isSeed { racks[Int(number)].entries += 1 }
        peers[Int(slot)].bringsCopy = !isSeed
        floor.insert(slot, of: &peers, using: &random)
    }

    private mutating func rackNumber(_ name: RackName?, staying peer: TrackedPeer) -> Int32? {
        guard let name else { return nil }
        if let rack = peer.rack, racks[Int(rack)].name == name { return rack }
        if let number = rackNumbers[name] { return number }
        let number: Int32
        if let free = freeRacks.popLast() {
            number = free
            racks[Int(number)] = TrackedRack(name: name)
        } else {
            number = Int32(racks.count)
            racks.append(TrackedRack(name: name))
        }
        rackNumbers[name] = number
        return number
    }
}

/// The peers of one rack, and how many of them are gateways.
struct TrackedRack: Sendable {
    let name: RackName
    var group = PeerGroup(.rack)
    /// The slots of its gateways, which are few.
    var gateways: [Int32] = []
    /// How many of them were incomplete when they became one: each may bring a copy into the rack.
    var entries = 0
    /// How many were seeds when they became one.
    var exits: Int { gateways.count - entries }

    /// Whether one more peer may become a gateway.
    func hasPlace(forSeed isSeed: Bool, _ handout: PeerHandout) -> Bool {
        isSeed ? exits < handout.seedGateways : entries < handout.gateways(ofRackOf: group.count)
    }

    init(name: RackName) { self.name = name }
}
