// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whose turn it is to probe: one at a time, since each takes a processor and memory of a host that has other work.
final class ProbeTurn: Sendable {
    private let isTaken = Atomic(false)

    /// - Returns: whether it was free.
    func take() -> Bool { isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged }

    func giveBack() { isTaken.store(false, ordering: .releasing) }
}
