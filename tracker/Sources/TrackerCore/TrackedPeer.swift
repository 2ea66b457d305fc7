// SPDX-License-Identifier: Apache-2.0

import TrackerProtocol

/// A peer as one swarm knows it.
struct TrackedPeer: Sendable {
    /// Where a peer stands in a ``PeerGroup``.
    struct Place: Sendable {
        /// In the group's list of seeds or of leechers.
        var list: Int32
        /// On the group's rings.
        var ring: Int32
    }

    /// The name it gave itself last.
    var peerID: PeerID
    /// The bytes that it still lacks; 0 makes it a seed.
    var left: Int64
    /// The number of its rack in the swarm, or `nil` when it names none.
    var rack: Int32?
    /// Whether it said that it leaves. Its slot stays until the wheel comes by, so that a peer which comes and goes
    /// never has a second entry there.
    var isGone = true
    /// The second of the expiry wheel that stands for it.
    var scheduled = UInt32.max
    /// Its place among those of its rack; `nil` without a rack.
    var inRack: Place?
    /// Its place on the floor: among gateways and those without a rack.
    var onFloor: Place?
    /// Whether it takes one of the places for copies that enter its rack.
    var bringsCopy = false
    /// Since when it has got nothing although it could have; `nil` while there is nothing to get.
    var idleSince: Duration?

    subscript(kind: PeerGroup.Kind) -> Place? {
        get { kind == .rack ? inRack : onFloor }
        set { if kind == .rack { inRack = newValue } else { onFloor = newValue } }
    }

    var isSeed: Bool { left == 0 }
    var isGateway: Bool { rack != nil && onFloor != nil }

    init(peerID: PeerID) {
        self.peerID = peerID
        left = 0
    }
}

/// What a hand-out looks at in a peer that it may name, of which it looks at many: half a line of cache.
struct Contact: Sendable {
    /// The address it announced from, with the port it announced.
    let address: PeerAddress
    /// Part of its id: where this differs, the ids do.
    var idTag: UInt32 = 0
    /// In which second since the registry's start the peer is forgotten unless it announces again.
    var expires: UInt32 = 0
    var isSeed = false
    let isLoopback: Bool

    init(address: PeerAddress) {
        self.address = address
        isLoopback = address.isLoopback
    }
}
