// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Counts the calls into one image that are on threads, so that its end can wait for the last of them.
final class PendingWork: Sendable {
    private struct State {
        var count = 0
        var isClosed = false
        var waiters: [EventLoopPromise<Void>] = []
    }

    private let state = Mutex(State())

    /// Announces a call.
    /// - Returns: `false` when no more may begin; otherwise ``end()`` must follow.
    func begin() -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.count += 1
            return true
        }
    }

    /// A call that ``begin()`` allowed is over.
    func end() {
        let waiters: [EventLoopPromise<Void>] = state.withLock { state in
            state.count -= 1
            guard state.isClosed, state.count == 0 else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.succeed() }
    }

    /// Allows no further calls and completes `promise` when the last one is over.
    func close(_ promise: EventLoopPromise<Void>) {
        let isIdle = state.withLock { state in
            state.isClosed = true
            if state.count > 0 { state.waiters.append(promise) }
            return state.count == 0
        }
        if isIdle { promise.succeed() }
    }
}
