// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import HTTPTypes
import Synchronization

/// How many may watch at once in one way: at the console, or through the API.
final class WatcherPlaces: Sendable {
    /// One watcher's, given back when nobody refers to it any more.
    final class Place: Sendable {
        private let places: WatcherPlaces
        fileprivate init(_ places: WatcherPlaces) { self.places = places }
        deinit { places.taken.withLock { $0 -= 1 } }
    }

    private let taken = Mutex(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func take() throws(APIError) -> Place {
        let isFree = taken.withLock { taken in
            guard taken < limit else { return false }
            taken += 1
            return true
        }
        guard isFree else {
            throw APIError(
                .serviceUnavailable, .busy,
                "\(limit) watch already; close a page or a stream that nobody looks at, or come back later.")
        }
        return Place(self)
    }
}
