// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// Bounds the connections of an HTTP server that have not come to their point: whose next request is not complete. Where
/// there are more, the oldest makes room for the newest, so that those who only connect, or trickle a byte now and then,
/// neither cost more than that nor keep anybody out.
package final class ConnectionGate: Sendable {
    private struct Waiting {
        let place: UInt64
        let channel: any Channel
    }

    private struct State {
        var nextPlace: UInt64 = 0
        var waiting: [ObjectIdentifier: Waiting] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: the most connections that wait for a request at one time, on all listeners that share this
    ///   gate.
    package init(limit: Int) { self.limit = max(1, limit) }

    /// A connection waits for its first request, or for another.
    package func waits(_ channel: any Channel) {
        let oldest: (any Channel)? = state.withLock { state in
            state.waiting[ObjectIdentifier(channel)] = Waiting(place: state.nextPlace, channel: channel)
            state.nextPlace += 1
            guard state.waiting.count > limit else { return nil }
            // Only a crowd gets here, and the limit bounds what looking at all of them costs.
            let oldest = state.waiting.min { $0.value.place < $1.value.place }
            return oldest.flatMap { state.waiting.removeValue(forKey: $0.key)?.channel }
        }
        oldest?.close(promise: nil)
    }

    /// The connection's request is complete, or the connection is gone.
    package func leaves(_ channel: any Channel) {
        state.withLock { $0.waiting[ObjectIdentifier(channel)] = nil }
    }
}
