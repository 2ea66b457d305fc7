// SPDX-License-Identifier: Apache-2.0

import PeerTransport

/// What the threads of a peer were busy with between two moments.
struct ThreadLoad: Equatable, Sendable {
    /// Parts of the time that all threads had together, 0 to 1.
    let hashing: Double
    let disk: Double
    /// Whether somebody waited for room at the end.
    let isBackedUp: Bool

    /// - Parameters:
    ///   - span: how far apart the two readings are.
    ///   - threads: how many there are.
    ///   - waiting: how many connections wait for room for what they would fetch.
    init(from before: WorkMeter.Reading, to after: WorkMeter.Reading, in span: Duration, threads: Int, waiting: Int) {
        let whole = max(0.001, span / .seconds(1)) * Double(max(1, threads))
        func part(_ kinds: WorkMeter.Work...) -> Double {
            let busy = kinds.reduce(0) { $0 + (after.busy[$1] ?? 0) - (before.busy[$1] ?? 0) }
            return min(1, max(0, busy / whole))
        }
        hashing = part(.hashing)
        disk = part(.writing, .syncing)
        isBackedUp = waiting > 0
    }
}
