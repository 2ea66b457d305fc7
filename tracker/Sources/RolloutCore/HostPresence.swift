// SPDX-License-Identifier: Apache-2.0

/// Who has been heard of lately: what turns signs of life, and their absence, into ``RolloutInput/heard(_:)`` and
/// ``RolloutInput/silent(_:)``. Each rollout has a limit of its own. Nothing of it is stored: after a restart nobody counts
/// as silent before the limit has passed once.
package struct HostPresence: Sendable {
    private struct Watch {
        /// When it was heard of, or told to get in touch more often than before.
        var since: Instant
        /// The least limit that it knows to keep.
        var promise: Span
        /// The longest limit that its silence has passed, as far as that was noted.
        var noted: Span?
        /// When it was heard of last.
        var heard: Instant?
    }

    private let limit: Span
    private var watches: [HostName: Watch] = [:]

    /// The limits that a host's silence has passed since that was noted last, the shortest first.
    package struct Overdue: Equatable, Sendable {
        package let host: HostName
        package let limits: [Span]
    }

    /// - Parameter limit: for all that is no rollout's; the same as that of ``RolloutSettings/silenceLimit``.
    package init(limit: Span) { self.limit = limit }

    /// Begins to watch a host as if it had just been heard of.
    /// - Parameter isSilent: whether it counts as silent already, so that the first sign of life is its return: for hosts
    ///   that a rollout has put aside as offline.
    package mutating func watch(_ host: HostName, at now: Instant, isSilent: Bool = false) {
        watches[host] = Watch(since: now, promise: limit, noted: isSilent ? max(limit, RolloutLimits.longestSpan) : nil)
    }

    /// Whether it is watched and does not count as silent.
    /// - Parameter limit: a rollout's; the one that there is without rollouts when `nil`.
    package func isHeard(_ host: HostName, within limit: Span? = nil) -> Bool {
        guard let watch = watches[host] else { return false }
        return watch.noted.map { $0 < limit ?? self.limit } ?? true
    }

    /// Whether it is watched and counts as silent by some limit.
    package func isSilent(_ host: HostName) -> Bool { watches[host]?.noted != nil }

    package func isWatched(_ host: HostName) -> Bool { watches[host] != nil }

    /// When it was heard of last; `nil` when it was not since it is watched.
    package func lastHeard(_ host: HostName) -> Instant? { watches[host]?.heard }

    /// - Returns: whether the host counted as silent until now, or was not watched.
    @discardableResult
    package mutating func heard(_ host: HostName, at now: Instant) -> Bool {
        let known = watches[host]
        watches[host] = Watch(since: now, promise: known?.promise ?? limit, noted: nil, heard: now)
        return known.map { $0.noted != nil } ?? true
    }

    /// A watched host is told how often to get in touch. Whoever was not told to do so more often is not held to it.
    /// - Parameter limit: the least limit that it is to keep.
    package mutating func tell(_ host: HostName, _ limit: Span, at now: Instant) {
        guard let known = watches[host], known.promise != limit else { return }
        if limit < known.promise { watches[host]?.since = now }
        watches[host]?.promise = limit
    }

    /// Watches all hosts as if they had just been heard of, for nobody could be heard for a while; who counts as silent still
    /// does.
    package mutating func beginAnew(at now: Instant) { for host in watches.keys { watches[host]?.since = now } }

    /// Stops watching a host.
    package mutating func forget(_ host: HostName) { watches[host] = nil }

    /// The hosts that were silent for too long and do not count as silent yet, in order of their names.
    package func overdue(at now: Instant) -> [HostName] { overdue(at: now, limits: []).map(\.host) }

    /// The same for some limits besides.
    package func overdue(at now: Instant, limits: Set<Span>) -> [Overdue] {
        let limits = limits.union([limit]).sorted()
        return watches.compactMap { host, watch in
            let passed = limits.filter { limit in
                watch.since + max(limit, watch.promise) <= now && watch.noted.map { $0 < limit } ?? true
            }
            return passed.isEmpty ? nil : Overdue(host: host, limits: passed)
        }
        .sorted { $0.host < $1.host }
    }

    /// From now on the host counts as silent: what follows from that is decided, and kept.
    /// - Parameter limit: the one that it has passed; the one that there is without rollouts when `nil`.
    package mutating func noteSilent(_ host: HostName, for limit: Span? = nil) {
        guard let known = watches[host] else { return }
        watches[host]?.noted = max(known.noted ?? .zero, limit ?? self.limit)
    }
}
