// SPDX-License-Identifier: Apache-2.0

import NIOCore
import ServiceLifecycle
import Synchronization

/// Measures how much later than they should the event loops get to their work, which tells when there is too much of it.
final class LagWatch: Service {
    private static let period = TimeAmount.milliseconds(50)

    private let group: any EventLoopGroup
    private let lags = Mutex<[ObjectIdentifier: Duration]>([:])
    /// The longest lag of all loops, in nanoseconds.
    private let longest = Atomic<Int64>(0)

    init(_ group: any EventLoopGroup) { self.group = group }

    /// How far behind the loop is that is furthest behind.
    var current: Duration { .nanoseconds(longest.load(ordering: .relaxed)) }

    func run() async throws {
        var tasks: [RepeatedTask] = []
        for loop in group.makeIterator() {
            let due = Due()
            tasks.append(
                loop.scheduleRepeatedTask(initialDelay: Self.period, delay: Self.period) { [weak self] _ in
                    let now = ContinuousClock.now
                    self?.note(max(.zero, now - due.time.withLock { $0 }), of: loop)
                    due.time.withLock { $0 = now + .nanoseconds(Self.period.nanoseconds) }
                })
        }
        try? await gracefulShutdown()
        for task in tasks { task.cancel() }
    }

    private func note(_ lag: Duration, of loop: any EventLoop) {
        let most = lags.withLock { lags in
            lags[ObjectIdentifier(loop)] = lag
            return lags.values.max() ?? .zero
        }
        longest.store(Int64(most / .nanoseconds(1)), ordering: .relaxed)
    }

    /// When the next measurement of a loop is due.
    private final class Due: Sendable {
        let time = Mutex(ContinuousClock.now + .nanoseconds(LagWatch.period.nanoseconds))
    }
}
