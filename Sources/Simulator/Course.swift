// SPDX-License-Identifier: Apache-2.0

/// How a run went: how far the hosts were at some moments, evenly spread over it.
package struct Course: Sendable {
    package struct Moment: Equatable, Sendable {
        /// Since the first host began to fetch.
        package let time: Duration
        /// Pieces verified so far, over all honest hosts.
        package let pieces: Int
        /// Hosts that had the image.
        package let completed: Int

        package init(time: Duration, pieces: Int, completed: Int) {
            self.time = time
            self.pieces = pieces
            self.completed = completed
        }
    }

    /// The most moments kept: when there are more, every other one goes.
    static let limit = 1000

    /// In order of time; the last one is the end of the run.
    package private(set) var moments: [Moment] = []
    private var step: Duration
    private var next = Duration.zero

    /// - Parameter step: the shortest time between two moments; a positive one.
    package init(step: Duration) { self.step = max(step, .microseconds(1)) }

    /// Something happened.
    package mutating func note(_ time: Duration, pieces: Int, completed: Int) {
        guard time >= next else { return }
        moments.append(Moment(time: time, pieces: pieces, completed: completed))
        if moments.count >= Self.limit {
            moments = moments.indices.filter { $0.isMultiple(of: 2) }.map { moments[$0] }
            step = step * 2
        }
        next = time + step
    }

    /// The run is over.
    package mutating func end(_ time: Duration, pieces: Int, completed: Int) {
        moments.removeAll { $0.time >= time }
        moments.append(Moment(time: time, pieces: pieces, completed: completed))
    }
}
