// SPDX-License-Identifier: Apache-2.0

import Synchronization
package import TrackerCore
package import TrackerProtocol

/// The one owner of a running tracker's swarms: gives the registry its time and its randomness, one caller at a time.
package final class LiveSwarms: Sendable {
    private struct State {
        var registry: SwarmRegistry
        var random: SplitMix64
    }

    private let state: Mutex<State>
    private let elapsed: @Sendable () -> Duration

    /// - Parameter elapsed: the time since some fixed start; the default counts from now, unmoved by the wall clock.
    package init(limits: TrackerLimits = TrackerLimits(), elapsed: (@Sendable () -> Duration)? = nil) {
        let start = ContinuousClock.now
        self.elapsed = elapsed ?? { ContinuousClock.now - start }
        state = Mutex(
            State(
                registry: SwarmRegistry(limits: limits),
                random: SplitMix64(seed: UInt64.random(in: .min ... .max))))
    }

    /// See ``SwarmRegistry/announce(_:from:now:using:)``.
    package func announce(_ request: AnnounceRequest, from host: IPAddress) -> AnnounceResponse {
        state.withLock { $0.registry.announce(request, from: host, now: elapsed(), using: &$0.random) }
    }

    /// See ``SwarmRegistry/scrape(_:now:)``.
    package func scrape(_ request: ScrapeRequest) -> ScrapeResponse {
        state.withLock { $0.registry.scrape(request, now: elapsed()) }
    }

    /// How many swarms and peers are known.
    package func counts() -> (swarms: Int, peers: Int) {
        state.withLock {
            $0.registry.sweep(now: elapsed())
            return ($0.registry.swarmCount, $0.registry.peerCount)
        }
    }
}
