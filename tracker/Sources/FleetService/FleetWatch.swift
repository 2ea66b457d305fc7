// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol
import RolloutCore

/// What somebody who watches the fleet has been told, so that only what is new is told again.
package struct FleetWatch: Sendable {
    /// The number of the last event that was told, by rollout.
    fileprivate var told: [UInt64: UInt64] = [:]
    fileprivate var hosts: HostsDocument?

    package init() {}
}

/// What is new to somebody.
package struct FleetNews: Sendable {
    package var rollouts: [RolloutStatusDocument] = []
    /// `nil` when it is as before.
    package var hosts: HostsDocument?
}

extension Fleet {
    /// What is new since the last time; the first time that is everything there is.
    package func news(for watch: inout FleetWatch) async throws -> FleetNews {
        var news = FleetNews()
        let sequences = rollouts.mapValues(\.sequence)
        for number in sequences.keys.sorted() where watch.told[number] != sequences[number] {
            let status = try await seen(number)
            watch.told[number] = status.sequence
            news.rollouts.append(status)
        }
        watch.told = watch.told.filter { sequences[$0.key] != nil }
        let seen = HostsDocument(
            known: hosts.names.count, silent: hosts.names.filter { !presence.isHeard($0) }.map(\.description))
        if watch.hosts != seen {
            watch.hosts = seen
            news.hosts = seen
        }
        return news
    }

    /// A status is long for a large fleet, and the same for all who watch.
    private func seen(_ number: UInt64) async throws -> RolloutStatusDocument {
        if let known = shown[number], known.sequence == rollouts[number]?.sequence { return known }
        let status = try await status(number)
        if rollouts[number] != nil { shown[number] = status }
        return status
    }
}
