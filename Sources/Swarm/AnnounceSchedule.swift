// SPDX-License-Identifier: Apache-2.0

package import TrackerProtocol

/// When one tracker is told what (BEP 3): the start, the end of the download, a sign of life at the interval it asks for,
/// and with growing patience when it does not answer.
package struct AnnounceSchedule: Sendable {
    /// Bounds on what a tracker may ask for, and the first wait after a failure.
    private static let shortest = Duration.seconds(5)
    private static let longest = Duration.seconds(3600)
    private static let firstRetry = Duration.seconds(2)
    private static let longestRetry = Duration.seconds(60)

    private var next: Duration
    private var hasStarted = false
    private var mustComplete = false
    private var isWaiting = false
    private var failures = 0

    /// A schedule whose first announce is due at `now`.
    package init(at now: Duration) { next = now }

    /// The event to announce with now, or `nil` when nothing is due or an answer is awaited.
    package mutating func due(at now: Duration) -> AnnounceEvent?? {
        guard !isWaiting, now >= next else { return nil }
        isWaiting = true
        if !hasStarted { return .some(.started) }
        return .some(mustComplete ? .completed : nil)
    }

    /// The download finished: the tracker learns of it at once. Not to be called when it was complete from the start.
    package mutating func completed(at now: Duration) {
        mustComplete = true
        next = now
    }

    /// The tracker answered.
    /// - Parameter interval: the seconds it asks to be left alone.
    package mutating func answered(_ event: AnnounceEvent?, interval: Int, at now: Duration) {
        isWaiting = false
        failures = 0
        if event == .started { hasStarted = true }
        if event == .completed { mustComplete = false }
        next = mustComplete ? now : now + min(max(.seconds(interval), Self.shortest), Self.longest)
    }

    /// The tracker did not answer, or refused.
    /// - Parameters:
    ///   - jitter: 0 to 1; spreads the retries of many peers.
    ///   - wish: how long the tracker asks to be left alone, when it says.
    package mutating func failed(at now: Duration, jitter: Double, wish: Duration = .zero) {
        isWaiting = false
        let wait = min(Self.firstRetry * (1 << min(failures, 6)), Self.longestRetry)
        failures += 1
        next = now + max(wait * (0.75 + jitter / 2), min(wish, Self.longest))
    }

    /// How often in a row the tracker failed to answer.
    package var failureCount: Int { failures }
}
