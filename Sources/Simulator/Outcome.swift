// SPDX-License-Identifier: Apache-2.0

/// What became of a run. A crash is not among the verdicts: a trap ends the process, which is a third, distinct way to
/// fail.
package struct Outcome: Sendable {
    package enum Verdict: Equatable, Sendable {
        /// Every living honest host completed, and nothing wrong happened.
        case completed
        /// These hosts were incomplete at the deadline.
        case stuck([Int])
        /// A promise was broken; what happened, in order.
        case wrong([String])
    }

    package let verdict: Verdict
    /// From the first fetching host's start until the last living honest host completed.
    package let makespan: Duration
    /// How long each honest host that fetched and completed took from its start on, shortest first.
    package let times: [Duration]
    /// The least time the rates allow.
    package let bound: Duration
    package let imageSize: Int64
    /// How many of its bytes travelled as one block.
    package let grain: Int
    /// Bytes of blocks that left hosts which began as honest seeds.
    package let seedBytes: Int64
    /// Bytes of blocks that arrived and were of no use.
    package let duplicateBytes: Int64
    /// Bytes of blocks that arrived at all.
    package let receivedBytes: Int64
    /// Bytes of blocks that went from one rack to another.
    package let rackCrossingBytes: Int64
    /// How many images' worth of blocks entered each rack that any block entered.
    package let copiesIntoRack: [Int: Double]
    /// How far all honest hosts together were, from time to time.
    package let course: Course
    /// The honest hosts that lacked the image at the start, and how many pieces they lacked between them.
    package let fetchingHosts: Int
    package let pieces: Int
    package let eventCount: Int
    /// Hosts that some other host has banned.
    package let banned: Set<Int>
    package let trace: Trace

    /// How many times longer it took than the rates demand.
    package var makespanRatio: Double { makespan / max(bound, .microseconds(1)) }
    /// The time within which this part of the hosts completed.
    /// - Parameter part: from 0 to 1.
    package func time(within part: Double) -> Duration? {
        guard !times.isEmpty else { return nil }
        return times[min(times.count - 1, max(0, Int((part * Double(times.count)).rounded(.up)) - 1))]
    }

    /// How many images' worth the seeds sent.
    package var seedRatio: Double { Double(seedBytes) / Double(max(1, imageSize)) }
}
