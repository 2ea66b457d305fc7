// SPDX-License-Identifier: Apache-2.0

/// How often peers are told to announce, and how long they are remembered when they do not.
package struct AnnounceTiming: Sendable {
    /// Seconds between announces while anything in the swarm is incomplete. Jitter included it stays within 20.
    package var activeInterval: Int
    /// Seconds between announces while nobody in the swarm has everything: whoever comes next may be the seed that all
    /// the others wait for.
    package var seedlessInterval: Int
    /// Swarms of more peers keep to ``activeInterval`` even so.
    package var seedlessPeers: Int
    /// Seconds between announces while every peer of the swarm is a seed.
    package var idleInterval: Int
    /// The part of the interval, in percent, by which an answer may lie above or below it, so that hosts started
    /// together do not announce together for ever. 0 to 100.
    package var jitterPercent: Int
    /// How many of its intervals a silent peer is remembered.
    package var lifetimeInIntervals: Int
    /// Seconds a peer is asked to leave between two announces of its own accord.
    package var minimumInterval: Int

    package init(
        activeInterval: Int = 17, seedlessInterval: Int = 7, seedlessPeers: Int = 1000, idleInterval: Int = 300,
        jitterPercent: Int = 15, lifetimeInIntervals: Int = 3,
        minimumInterval: Int = 5
    ) {
        self.activeInterval = activeInterval
        self.seedlessInterval = seedlessInterval
        self.seedlessPeers = seedlessPeers
        self.idleInterval = idleInterval
        self.jitterPercent = jitterPercent
        self.lifetimeInIntervals = lifetimeInIntervals
        self.minimumInterval = minimumInterval
    }

    /// The interval of one answer, in seconds.
    func interval(seeds: Int, leechers: Int, using random: inout SplitMix64) -> Int {
        let isSeedless = seeds == 0 && leechers <= seedlessPeers
        let base = leechers == 0 ? idleInterval : isSeedless ? seedlessInterval : activeInterval
        let spread = base * jitterPercent / 100
        return spread > 0 ? Int.random(in: base - spread...base + spread, using: &random) : base
    }

    /// How long a peer that was given the interval of such a swarm is remembered.
    func lifetime(isActive: Bool) -> Duration {
        .seconds((isActive ? activeInterval : idleInterval) * lifetimeInIntervals)
    }
}
