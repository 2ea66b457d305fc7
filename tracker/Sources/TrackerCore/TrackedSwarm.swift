// SPDX-License-Identifier: Apache-2.0

import TrackerProtocol

/// The peers of one info-hash: seeds and leechers in two dense arrays, so that drawing a random one is one look, with
/// an index over both.
struct TrackedSwarm: Sendable {
    private(set) var seeds: [TrackedPeer] = []
    private(set) var leechers: [TrackedPeer] = []
    /// Downloads that were completed since the swarm became known.
    private(set) var downloaded = 0
    private var places: [PeerAddress: Place] = [:]
    private var peersByHost: [IPAddress: Int] = [:]

    /// Where a peer is kept, and the second of the expiry wheel that stands for it.
    private struct Place {
        var state: State
        var scheduled: Int
    }

    private enum State {
        case seed(Int)
        case leecher(Int)
        /// It said that it leaves. The place stays until the wheel comes by, so that a peer which comes and goes
        /// never has a second entry there.
        case gone
    }

    /// The number of peers that take up memory, those just gone included.
    var placeCount: Int { places.count }
    /// Whether anything in the swarm is incomplete.
    var isActive: Bool { !leechers.isEmpty }

    func contains(_ address: PeerAddress) -> Bool { places[address] != nil }

    func placeCount(of host: IPAddress) -> Int { peersByHost[host] ?? 0 }

    /// The second of the wheel that stands for the peer, or `nil` when it has no place.
    func scheduled(_ address: PeerAddress) -> Int? { places[address]?.scheduled }

    mutating func setScheduled(_ second: Int, for address: PeerAddress) { places[address]?.scheduled = second }

    /// Adds the peer or replaces what is known of it.
    /// - Returns: whether the peer has just turned from a leecher into a seed.
    mutating func update(_ peer: TrackedPeer, isSeed: Bool) -> Bool {
        let address = peer.address
        switch places[address]?.state {
        case .seed(let index) where isSeed:
            seeds[index] = peer
            return false
        case .leecher(let index) where !isSeed:
            leechers[index] = peer
            return false
        case .leecher:
            take(address)
            insert(peer, isSeed: isSeed)
            return true
        case .seed:
            take(address)
            insert(peer, isSeed: isSeed)
            return false
        case .gone:
            insert(peer, isSeed: isSeed)
            return false
        case nil:
            places[address] = Place(state: .gone, scheduled: .max)
            peersByHost[address.host, default: 0] += 1
            insert(peer, isSeed: isSeed)
            return false
        }
    }

    mutating func countDownload() { downloaded += 1 }  // checked: no more than announces.

    /// Stops counting and handing out the peer; its place remains until ``expire(_:now:)``.
    mutating func leave(_ address: PeerAddress) { take(address) }

    /// Removes the peer for good when it has left or its time is up.
    /// - Returns: when to look again, or `nil` when it is removed.
    mutating func expire(_ address: PeerAddress, now: Duration) -> Duration? {
        if let peer = self[address], peer.expires > now { return peer.expires }
        take(address)
        if places.removeValue(forKey: address) != nil {
            let remaining = (peersByHost[address.host] ?? 1) - 1
            peersByHost[address.host] = remaining > 0 ? remaining : nil
        }
        return nil
    }

    private subscript(address: PeerAddress) -> TrackedPeer? {
        switch places[address]?.state {
        case .seed(let index): seeds[index]
        case .leecher(let index): leechers[index]
        case .gone, nil: nil
        }
    }

    private mutating func insert(_ peer: TrackedPeer, isSeed: Bool) {
        if isSeed {
            places[peer.address]?.state = .seed(seeds.count)
            seeds.append(peer)
        } else {
            places[peer.address]?.state = .leecher(leechers.count)
            leechers.append(peer)
        }
    }

    /// Takes the peer out of its array; the last one of the array moves into the gap.
    private mutating func take(_ address: PeerAddress) {
        switch places[address]?.state {
        case .seed(let index):
            seeds.swapAt(index, seeds.count - 1)
            seeds.removeLast()
            if index < seeds.count { places[seeds[index].address]?.state = .seed(index) }
        case .leecher(let index):
            leechers.swapAt(index, leechers.count - 1)
            leechers.removeLast()
            if index < leechers.count { places[leechers[index].address]?.state = .leecher(index) }
        case .gone, nil:
            return
        }
        places[address]?.state = .gone
    }
}
