// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol
package import RolloutCore

/// What goes on at hosts, as they last said, and how fast they were before. In memory alone: after a restart hosts say it
/// again within seconds.
package struct HostActivities: Sendable {
    /// Rates of a host at a moment, in bytes a second.
    package struct Sample: Equatable, Sendable {
        package let at: Instant
        package let down: UInt64
        package let up: UInt64
    }

    /// What one host said.
    package struct Entry: Sendable {
        package fileprivate(set) var activity: HostActivity
        /// Where it said it from: an address without a port.
        package fileprivate(set) var origin: String?
        package fileprivate(set) var at: Instant
        /// Whether something goes on.
        fileprivate(set) var isBusy = false
        /// Oldest first.
        package fileprivate(set) var samples: [Sample] = []
    }

    /// Samples that are kept of one host: ten minutes of what a small fleet says.
    static let samples = 120
    /// What was said longer ago is over.
    static let freshness = Span.minutes(3)

    private var entries: [HostName: Entry] = [:]
    /// Hosts that said last that something goes on.
    private(set) var busy = 0
    /// Grows with each word of a host about what goes on.
    private(set) var version: UInt64 = 0

    subscript(_ host: HostName) -> Entry? { entries[host] }

    /// A host says what goes on, or that nothing does.
    mutating func note(_ activity: HostActivity?, of host: HostName, from origin: String?, at now: Instant) {
        var entry =
            entries[host]
            ?? Entry(
                activity: HostActivity(port: nil, down: 0, up: 0, fetches: [], neighbours: []), origin: origin, at: now)
        guard activity != nil || entries[host] != nil else { return }
        let wasBusy = entry.isBusy
        busy += (activity == nil ? 0 : 1) - (wasBusy ? 1 : 0)
        entry.activity =
            activity ?? HostActivity(port: entry.activity.port, down: 0, up: 0, fetches: [], neighbours: [])
        (entry.origin, entry.at, entry.isBusy) = (origin, now, activity != nil)
        if activity != nil || wasBusy { version &+= 1 }
        entry.samples.append(Sample(at: now, down: entry.activity.down, up: entry.activity.up))
        if entry.samples.count > Self.samples { entry.samples.removeFirst(entry.samples.count - Self.samples) }
        entries[host] = entry
    }

    /// A host is not heard of any more.
    mutating func noteSilence(of host: HostName) {
        guard entries[host]?.isBusy == true else { return }
        entries[host]?.isBusy = false
        busy -= 1
    }

    mutating func forget(_ host: HostName) {
        if entries.removeValue(forKey: host)?.isBusy == true { busy -= 1 }
    }

    /// What was said lately, in order of the hosts' names.
    func current(at now: Instant) -> [(host: HostName, entry: Entry)] {
        entries.filter { now.since($0.value.at) <= Self.freshness }.sorted { $0.key < $1.key }
            .map { (host: $0.key, entry: $0.value) }
    }
}
