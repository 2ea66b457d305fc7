// SPDX-License-Identifier: Apache-2.0

import Exposition
import FoundationEssentials
import Synchronization

/// What a host counts of its own work beside the swarms, since the process began.
final class HostMeters: Sendable {
    private struct State {
        var cloneTimes: [String: Histogram] = [:]
        var corruptPieces: UInt64 = 0
        var lastScrub: Date?
        var clockOffset: Double?
    }

    /// From what a reflink takes to what a full copy of a large master does.
    private static let cloneBounds = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600]

    private let state = Mutex(State())

    /// Clones were made, together in so many seconds.
    func made(_ count: Int, by backend: String, seconds: Double) {
        state.withLock { state in
            var times = state.cloneTimes[backend] ?? Histogram(bounds: Self.cloneBounds)
            times.observe(seconds / Double(max(1, count)), times: count)
            state.cloneTimes[backend] = times
        }
    }

    /// A master was read as a whole and compared with its hashes.
    func verified(badPieces: Int, at now: Date = .now) {
        state.withLock { state in
            state.corruptPieces &+= UInt64(clamping: badPieces)
            if badPieces == 0 { state.lastScrub = now }
        }
    }

    /// A tracker has said what time it is.
    /// - Parameter date: the header `Date` of its answer, to the second.
    func trackerSaid(_ date: String, at now: Date = .now) {
        guard let theirs = HTTPDate(date) else { return }
        // Half a second on average has passed since the second began that it names.
        let offset = now.timeIntervalSince1970 - Double(theirs.seconds) - 0.5
        state.withLock { $0.clockOffset = offset }
    }

    /// How far this host's clock is ahead of the tracker's, in seconds, to half a second and the way there and back;
    /// `nil` when no tracker has said.
    var clockOffset: Double? { state.withLock { $0.clockOffset } }
    var cloneTimes: [(String, Histogram)] { state.withLock { $0.cloneTimes.sorted { $0.key < $1.key } } }
    var corruptPieces: UInt64 { state.withLock { $0.corruptPieces } }
    /// When a master was last found to be right as a whole.
    var lastScrub: Date? { state.withLock { $0.lastScrub } }
}
