// SPDX-License-Identifier: Apache-2.0

import Exposition
import Synchronization
package import TrackerCore
package import TrackerProtocol

/// The one owner of a running tracker's swarms: gives the registry its time and its randomness, one caller at a time.
package final class LiveSwarms: Sendable {
    /// Says in which rack the peer stands that announces from an address. By default it says so itself.
    package typealias RackOfPeer = @Sendable (AnnounceRequest, IPAddress) -> RackName?

    private struct State {
        var registry: SwarmRegistry
        var responder: DatagramResponder
        var random: SplitMix64
        /// What connection ids are made of.
        var secure = SystemRandomNumberGenerator()
        var http = Histogram(bounds: AnnounceMeasures.bounds)
        var udp = Histogram(bounds: AnnounceMeasures.bounds)
        var httpShed: UInt64 = 0
    }

    private let state: Mutex<State>
    private let elapsed: @Sendable () -> Duration
    private let rack: RackOfPeer?

    /// - Parameters:
    ///   - rack: in which rack a peer stands; `nil` to believe what it says.
    ///   - elapsed: the time since some fixed start; the default counts from now, unmoved by the wall clock.
    package init(
        limits: TrackerLimits = TrackerLimits(), rack: RackOfPeer? = nil, elapsed: (@Sendable () -> Duration)? = nil
    ) {
        let start = ContinuousClock.now
        self.elapsed = elapsed ?? { ContinuousClock.now - start }
        self.rack = rack
        var secure = SystemRandomNumberGenerator()
        state = Mutex(
            State(
                registry: SwarmRegistry(limits: limits),
                responder: DatagramResponder(at: self.elapsed(), using: &secure),
                random: SplitMix64(seed: UInt64.random(in: .min ... .max))))
    }

    /// See ``SwarmRegistry/announce(_:from:now:using:)``.
    package func announce(_ request: AnnounceRequest, from host: IPAddress) -> AnnounceResponse {
        var request = request
        if let rack { request.rack = rack(request, host) }
        return state.withLock { state in
            let start = elapsed()
            let response = state.registry.announce(request, from: host, now: start, using: &state.random)
            state.http.observe((elapsed() - start) / .seconds(1))
            return response
        }
    }

    /// Whether an announce is turned away, and until when; a peer that is known is remembered all the same.
    /// - Returns: the seconds after which to come back, or `nil` when it is to be answered.
    func retryAfter(_ request: AnnounceRequest, from host: IPAddress, lag: Duration) -> Int? {
        guard LoadShedding.isNeeded(lag: lag) else { return nil }
        return state.withLock { state in
            let isKnown = request.event != .stopped && state.registry.renew(request, from: host, now: elapsed())
            let seconds = LoadShedding.retryAfter(request.event, isKnown: isKnown, lag: lag, using: &state.random)
            if seconds != nil { state.httpShed &+= 1 }
            return seconds
        }
    }

    /// See ``SwarmRegistry/scrape(_:now:)``.
    package func scrape(_ request: ScrapeRequest) -> ScrapeResponse {
        state.withLock { $0.registry.scrape(request, now: elapsed()) }
    }

    /// Makes the answers to a batch of datagrams. They are sent when others can get at the swarms again.
    /// - Returns: how many there are.
    func answer(_ count: Int, from socket: borrowing DatagramSocket) -> Int {
        let now = elapsed()
        let rack = rack
        let isBusy = count == DatagramSocket.batchCount && socket.isBehind
        return state.withLock { state in
            state.responder.tick(at: now, using: &state.secure)
            let before = state.responder.announceCount
            let answered = socket.answer(count) { datagram, host, answer in
                state.responder.answer(
                    datagram, from: host, registry: &state.registry, rack: rack, isBusy: isBusy, now: now,
                    using: &state.random, to: &answer)
            }
            // Whoever is in a batch waits for all of it.
            state.udp.observe((elapsed() - now) / .seconds(1), times: Int(state.responder.announceCount - before))
            return answered
        }
    }

    /// What became of announces since the start.
    func measures() -> AnnounceMeasures {
        state.withLock { state in
            AnnounceMeasures(
                http: state.http, udp: state.udp, httpShed: state.httpShed, udpShed: state.responder.shedCount)
        }
    }

    /// How many swarms and peers are known.
    package func counts() -> (swarms: Int, peers: Int) {
        state.withLock {
            $0.registry.sweep(now: elapsed())
            return ($0.registry.swarmCount, $0.registry.peerCount)
        }
    }
}
