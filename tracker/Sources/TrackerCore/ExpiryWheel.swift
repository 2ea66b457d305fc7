// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TrackerProtocol

/// Tells which peers may have expired, in order of time and a bounded number at once, so that no announce ever pays
/// for a scan of its swarm.
///
/// Entries are put into one-second buckets. An entry says only that its peer should be looked at: a peer that announces
/// again keeps its entry, and whoever takes the entry out puts it back for later.
struct ExpiryWheel: Sendable {
    /// A peer to look at.
    struct Entry: Sendable {
        let swarm: InfoHash
        let address: PeerAddress
    }

    private var buckets: [UInt32: [Entry]] = [:]
    private var current: UInt32 = 0

    /// The number of the first second that does not begin before `time`.
    static func second(_ time: Duration) -> UInt32 {
        let (seconds, attoseconds) = time.components
        let begun = UInt32(clamping: seconds)
        return attoseconds > 0 && begun < .max ? begun + 1 : begun
    }

    /// The number of the second that `time` is in. What lasts until a later one is not over then.
    static func begun(_ time: Duration) -> UInt32 { UInt32(clamping: time.components.seconds) }

    /// Has the entry come out once `second` is reached; at once when it has passed.
    /// - Returns: the second it was put into.
    mutating func insert(_ entry: Entry, at second: UInt32) -> UInt32 {
        let second = max(second, current)
        buckets[second, default: []].append(entry)
        return second
    }

    /// Takes out an entry whose second has been reached at `now`, with that second, or `nil` when there is none.
    mutating func next(now: Duration) -> (entry: Entry, second: UInt32)? {
        let last = Self.begun(now)
        while current <= last {
            if let entry = buckets[current]?.popLast() { return (entry, current) }
            buckets[current] = nil
            guard !buckets.isEmpty else {
                current = last
                return nil
            }
            guard current < last else { return nil }
            current += 1
        }
        return nil
    }
}
