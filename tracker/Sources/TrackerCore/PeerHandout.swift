// SPDX-License-Identifier: Apache-2.0

package import TrackerProtocol

/// Decides which peers of a swarm an announcing peer is told about.
///
/// A uniform random sample keeps the graph of connections well mixed without the tracker knowing it. Seeds and
/// leechers are drawn alike: preferring seeds would send a whole fleet to the one host that has the image.
package struct PeerHandout: Sendable {
    /// Peers handed out when the request names no number.
    package var defaultCount: Int
    /// Peers handed out at most.
    package var maximumCount: Int

    package init(defaultCount: Int = 50, maximumCount: Int = 200) {
        self.defaultCount = defaultCount
        self.maximumCount = maximumCount
    }

    /// How many peers a request gets at most.
    package func count(wanted: Int?) -> Int { min(max(wanted ?? defaultCount, 0), maximumCount) }

    /// A random sample of at most `count` peers.
    ///
    /// Leechers are told of seeds and leechers, seeds only of leechers, and nobody of itself, whether it is known by
    /// its address or, under its other address family, by its id. A loopback address means the reader's own host, so
    /// only peers that are themselves on loopback are told of one. At most about four times `count` peers are looked
    /// at, so that the cost does not grow with the swarm.
    package func sample(
        for requester: TrackedPeer, isSeed: Bool, seeds: [TrackedPeer], leechers: [TrackedPeer], count: Int,
        now: Duration, using random: inout some RandomNumberGenerator
    ) -> [PeerAddress] {
        guard count > 0 else { return [] }
        let seedCount = isSeed ? 0 : seeds.count
        var order = RandomOrder(count: seedCount + leechers.count)
        var sample: [PeerAddress] = []
        sample.reserveCapacity(min(count, seedCount + leechers.count))
        var looks = 4 * count + 16
        while sample.count < count, looks > 0, let number = order.next(using: &random) {
            looks -= 1
            let peer = number < seedCount ? seeds[number] : leechers[number - seedCount]
            guard peer.address != requester.address, peer.peerID != requester.peerID, peer.expires > now,
                !peer.address.isLoopback || requester.address.isLoopback
            else { continue }
            sample.append(peer.address)
        }
        return sample
    }
}
