// SPDX-License-Identifier: Apache-2.0

/// What a registry holds at most. At a bound it refuses newcomers with a reason and keeps serving those it knows, so
/// that a flood cannot push out a fleet at work.
package struct TrackerLimits: Sendable {
    /// Swarms known at once.
    package var swarms: Int
    /// Peers in one swarm.
    package var peersPerSwarm: Int
    /// Peers in one swarm that announce from one address. Loopback is exempt: there the address tells nothing apart.
    package var peersPerHost: Int
    /// Peers in all swarms together that announce from one address, so that no host alone takes all places. Loopback is
    /// exempt.
    package var peersPerHostInAll: Int
    /// Peers in all swarms together; about 250 bytes of memory each.
    package var peers: Int

    package init(
        swarms: Int = 10_000, peersPerSwarm: Int = 50_000, peersPerHost: Int = 1_000,
        peersPerHostInAll: Int = 2_000, peers: Int = 500_000
    ) {
        self.swarms = swarms
        self.peersPerSwarm = peersPerSwarm
        self.peersPerHost = peersPerHost
        self.peersPerHostInAll = peersPerHostInAll
        self.peers = peers
    }
}
