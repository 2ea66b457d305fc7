// SPDX-License-Identifier: Apache-2.0

import FleetService

/// The whole fleet at a glance, for all who look on together: it takes a walk over all hosts, and is taken once a second at
/// most however many ask.
actor SharedLook {
    /// How old a glance may be, and how old when nothing has changed that counts: what hosts said wears off by itself.
    private static let freshness = Duration.seconds(1)
    private static let longest = Duration.seconds(5)

    private let fleet: Fleet
    private var last: (look: FleetLook, made: ContinuousClock.Instant, checked: ContinuousClock.Instant)?
    private var making: Task<FleetLook, Never>?

    init(_ fleet: Fleet) { self.fleet = fleet }

    func latest() async -> FleetLook {
        if let last, last.checked.duration(to: .now) < Self.freshness { return last.look }
        if let making { return await making.value }
        let task = Task { await renewed() }
        making = task
        return await task.value
    }

    private func renewed() async -> FleetLook {
        defer { making = nil }
        let now = ContinuousClock.now
        if let last, last.made.duration(to: now) < Self.longest, await fleet.fingerprint() == last.look.fingerprint {
            self.last = (last.look, last.made, now)
            return last.look
        }
        let look = await fleet.look()
        last = (look, now, now)
        return look
    }
}
