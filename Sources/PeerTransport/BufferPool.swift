// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A bounded store of equally long buffers, reused so that a fetch touches the same pages over and over: fresh ones of
/// this length would be mapped, cleared and unmapped by the allocator each time.
package final class BufferPool: Sendable {
    /// Somebody who waits for a buffer; called once, from whichever thread gives one back.
    package typealias Waiter = @Sendable (PooledBuffer) -> Void

    private struct State {
        var idle: [PooledBuffer] = []
        var made = 0
        var waiters: [Waiter] = []
    }

    /// The length of each buffer in bytes.
    package let bufferLength: Int
    /// The most buffers there are at one time.
    package let capacity: Int
    private let state = Mutex(State())

    package init(bufferLength: Int, capacity: Int) {
        self.bufferLength = bufferLength
        self.capacity = capacity
    }

    /// How many buffers lie idle, how many there are in all, and how many takers wait; all are idle when nothing is
    /// under way.
    package var counts: (idle: Int, made: Int, waiting: Int) {
        state.withLock { ($0.idle.count, $0.made, $0.waiters.count) }
    }

    /// A buffer without readable bytes, or `nil` when all are in use.
    package func take() -> PooledBuffer? {
        state.withLock { state in
            if let buffer = state.idle.popLast() { return buffer }
            guard state.made < capacity else { return nil }
            state.made += 1
            return PooledBuffer(length: bufferLength)
        }
    }

    /// A buffer now, or as soon as one comes back. A waiter that is no longer interested gives it back at once.
    package func take(_ waiter: @escaping Waiter) {
        if let buffer = take() { return waiter(buffer) }
        let late: PooledBuffer? = state.withLock { state in
            if let buffer = state.idle.popLast() { return buffer }
            state.waiters.append(waiter)
            return nil
        }
        if let late { waiter(late) }
    }

    /// Ends the loan of a buffer that came from ``take()``: whoever gives it back must not touch it again.
    package func giveBack(_ buffer: PooledBuffer) {
        buffer.reset()
        let waiter: Waiter? = state.withLock { state in
            guard !state.waiters.isEmpty else {
                state.idle.append(buffer)
                return nil
            }
            return state.waiters.removeFirst()
        }
        waiter?(buffer)
    }
}
