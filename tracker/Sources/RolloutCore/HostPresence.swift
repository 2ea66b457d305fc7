// SPDX-License-Identifier: Apache-2.0

/// Who has been heard of lately: what turns signs of life, and their absence, into ``RolloutInput/heard(_:)`` and
/// ``RolloutInput/silent(_:)``. Nothing of it is stored: after a restart nobody counts as silent before the limit has
/// passed once.
package struct HostPresence: Sendable {
    private let limit: Span
    private var lastHeard: [HostName: Instant] = [:]
    private var silent: Set<HostName> = []

    /// - Parameter limit: ``RolloutSettings/silenceLimit``.
    package init(limit: Span) { self.limit = limit }

    /// Begins to watch a host as if it had just been heard of.
    /// - Parameter isSilent: whether it counts as silent already, so that the first sign of life is its return: for hosts
    ///   that a rollout has put aside as offline.
    package mutating func watch(_ host: HostName, at now: Instant, isSilent: Bool = false) {
        lastHeard[host] = now
        if isSilent { silent.insert(host) }
    }

    /// Whether it is watched and does not count as silent.
    package func isHeard(_ host: HostName) -> Bool { isWatched(host) && !silent.contains(host) }

    package func isWatched(_ host: HostName) -> Bool { lastHeard[host] != nil }

    /// - Returns: whether the host counted as silent until now, or was not watched.
    @discardableResult
    package mutating func heard(_ host: HostName, at now: Instant) -> Bool {
        let isNew = lastHeard.updateValue(now, forKey: host) == nil
        return silent.remove(host) != nil || isNew
    }

    /// Watches all hosts as if they had just been heard of, for nobody could be heard for a while; who counts as silent still
    /// does.
    package mutating func beginAnew(at now: Instant) { for host in lastHeard.keys { lastHeard[host] = now } }

    /// Stops watching a host.
    package mutating func forget(_ host: HostName) {
        lastHeard[host] = nil
        silent.remove(host)
    }

    /// The hosts that were silent for too long and do not count as silent yet, in order of their names.
    package func overdue(at now: Instant) -> [HostName] {
        lastHeard.filter { $0.value + limit <= now && !silent.contains($0.key) }.keys.sorted()
    }

    /// From now on the host counts as silent: what follows from that is decided, and kept.
    package mutating func noteSilent(_ host: HostName) {
        if isWatched(host) { silent.insert(host) }
    }
}
