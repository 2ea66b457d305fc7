// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import Swarm
import Synchronization
import TrackerProtocol

/// Keeps one tracker told about one image under one info-hash, and hands on the peers it answers with.
final class Announcer: Sendable {
    /// What an announce says about this side.
    struct Totals: Sendable {
        var uploaded: Int64
        var downloaded: Int64
        var left: Int64
    }

    private struct State {
        var schedule: AnnounceSchedule
        var words = "waiting"
        /// Whether the tracker ever took an announce and so counts this side in.
        var isKnown = false
    }

    /// How often the schedule is looked at; it bounds how late an announce can be.
    private static let step = Duration.milliseconds(200)
    /// How long a tracker may take to hear the goodbye; a peer that stops does not wait longer for it.
    private static let goodbyeTimeout = TimeAmount.seconds(3)

    let tracker: TrackerURL
    private let infoHash: InfoHash
    private let peerID: PeerID
    private let port: UInt16
    private let totals: @Sendable () async -> Totals
    private let found: @Sendable ([PeerAddress]) -> Void
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private let state = Mutex(State(schedule: AnnounceSchedule(at: .zero)))

    /// - Parameters:
    ///   - totals: what to say, asked right before each announce.
    ///   - found: called with the peers of each answer.
    init(
        tracker: TrackerURL, infoHash: InfoHash, peerID: PeerID, port: UInt16,
        totals: @escaping @Sendable () async -> Totals, found: @escaping @Sendable ([PeerAddress]) -> Void
    ) {
        self.tracker = tracker
        self.infoHash = infoHash
        self.peerID = peerID
        self.port = port
        self.totals = totals
        self.found = found
        start = clock.now
    }

    /// How the last announce went: `ok`, `waiting`, or a reason.
    var words: String { state.withLock { $0.words } }

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

    /// Tells the tracker that this side stops, if it was ever told that it started.
    func stop() async {
        guard state.withLock({ $0.isKnown }) else { return }
        let request = request(.stopped, await totals())
        // Whoever stops has often been cancelled, which must not take the goodbye with it.
        await Task { [tracker] in
            _ = try? await TrackerClient.shared.announce(request, to: tracker, timeout: Self.goodbyeTimeout)
        }.value
    }

    private func announce(_ event: AnnounceEvent?) async {
        let request = request(event, await totals())
        do {
            let response = try await TrackerClient.shared.announce(request, to: tracker)
            let now = start.duration(to: clock.now)
            state.withLock { state in
                state.schedule.answered(event, interval: response.interval, at: now)
                state.words = "ok"
                state.isKnown = true
            }
            found(response.peers)
        } catch {
            let now = start.duration(to: clock.now)
            let jitter = Double.random(in: 0...1)
            let reason = HostFailure(error).message
            state.withLock { state in
                state.schedule.failed(at: now, jitter: jitter)
                state.words = reason
            }
        }
    }

    private func request(_ event: AnnounceEvent?, _ totals: Totals) -> AnnounceRequest {
        AnnounceRequest(
            infoHash: infoHash, peerID: peerID, port: port, uploaded: totals.uploaded,
            downloaded: totals.downloaded, left: totals.left, event: event, numberWanted: 50)
    }
}
