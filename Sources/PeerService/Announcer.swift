// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import Swarm
import Synchronization
import TrackerProtocol

/// Keeps one of several trackers told about one image under one info-hash (BEP 12), and hands on the peers it answers
/// with.
final class Announcer: Sendable {
    /// What an announce says about this side.
    struct Totals: Sendable {
        var uploaded: Int64
        var downloaded: Int64
        var left: Int64
    }

    private struct State {
        var schedule: AnnounceSchedule
        var tiers: AnnounceTiers
        /// How the last announce to each tracker went, for those that were tried.
        var words: [TrackerURL: String] = [:]
        /// The tracker that took the last announce and so counts this side in.
        var current: TrackerURL?
    }

    /// How often the schedule is looked at; it bounds how late an announce can be.
    private static let step = Duration.milliseconds(200)
    /// How long a tracker may take to hear the goodbye; a peer that stops does not wait longer for it.
    private static let goodbyeTimeout = TimeAmount.seconds(3)

    private let client: @Sendable () -> TrackerClient
    private let infoHash: InfoHash
    private let peerID: PeerID
    private let port: UInt16
    private let rack: RackName?
    private let totals: @Sendable () async -> Totals
    private let found: @Sendable ([PeerAddress]) -> Void
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private let state: Mutex<State>

    /// - Parameters:
    ///   - tiers: the trackers, of which one is enough.
    ///   - client: speaks to trackers as this host is known to them now.
    ///   - totals: what to say, asked right before each announce.
    ///   - found: called with the peers of each answer.
    init(
        tiers: AnnounceTiers, client: @escaping @Sendable () -> TrackerClient, infoHash: InfoHash, peerID: PeerID,
        port: UInt16, rack: RackName?,
        totals: @escaping @Sendable () async -> Totals, found: @escaping @Sendable ([PeerAddress]) -> Void
    ) {
        state = Mutex(State(schedule: AnnounceSchedule(at: .zero), tiers: tiers))
        self.client = client
        self.infoHash = infoHash
        self.peerID = peerID
        self.port = port
        self.rack = rack
        self.totals = totals
        self.found = found
        start = clock.now
    }

    /// The trackers, and how the last announce to each went: `ok`, `waiting`, or a reason.
    var trackers: [(url: TrackerURL, words: String)] {
        state.withLock { state in state.tiers.order.map { ($0, state.words[$0] ?? "waiting") } }
    }

    /// Announces when it is due until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            if let event = state.withLock({ $0.schedule.due(at: start.duration(to: clock.now)) }) {
                await announce(event)
            }
            try? await clock.sleep(for: Self.step)
        }
    }

    /// The fetch finished: the tracker is told at once.
    func completed() {
        let now = start.duration(to: clock.now)
        state.withLock { $0.schedule.completed(at: now) }
    }

    /// Tells the tracker that this side stops, if any was ever told that it started.
    func stop() async {
        guard let tracker = state.withLock({ $0.current }) else { return }
        let (client, request) = (client(), request(.stopped, await totals()))
        // Whoever stops has often been cancelled, which must not take the goodbye with it.
        await Task {
            _ = try? await client.announce(request, to: tracker, timeout: Self.goodbyeTimeout)
        }.value
    }

    /// Announces to one tracker after another until one answers.
    private func announce(_ event: AnnounceEvent?) async {
        var wish = Duration.zero
        for tracker in state.withLock({ $0.tiers.order }) {
            let request = request(event, await totals())
            do {
                let response = try await client().announce(request, to: tracker)
                let now = start.duration(to: clock.now)
                state.withLock { state in
                    state.schedule.answered(event, interval: response.interval, at: now)
                    state.tiers.answered(tracker)
                    state.words[tracker] = "ok"
                    state.current = tracker
                }
                return found(response.peers)
            } catch let busy as TrackerClient.Busy {
                wish = max(wish, busy.retryAfter)
                state.withLock { $0.words[tracker] = "it has too much to do, and is asked again later" }
            } catch {
                let reason = HostFailure(error).message
                state.withLock { $0.words[tracker] = reason }
                if Task.isCancelled { return }
            }
        }
        let now = start.duration(to: clock.now)
        let jitter = Double.random(in: 0...1)
        state.withLock { [wish] in $0.schedule.failed(at: now, jitter: jitter, wish: wish) }
    }

    private func request(_ event: AnnounceEvent?, _ totals: Totals) -> AnnounceRequest {
        AnnounceRequest(
            infoHash: infoHash, peerID: peerID, port: port, uploaded: totals.uploaded,
            downloaded: totals.downloaded, left: totals.left, event: event, numberWanted: 50, rack: rack)
    }
}
