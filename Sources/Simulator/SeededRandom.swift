// SPDX-License-Identifier: Apache-2.0

/// SplitMix64: a small generator whose whole future follows from one number. Good for scenarios, useless for secrets.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A generator of its own, so that one host's draws do not depend on how often another one drew.
    package mutating func split() -> SeededRandom { SeededRandom(seed: next()) }

    /// Whether something of this probability, 0 to 1, happens.
    mutating func happens(_ probability: Double) -> Bool {
        probability > 0 && Double(next() >> 11) / Double(1 << 53) < probability
    }

    /// A duration from zero up to `longest`.
    mutating func duration(upTo longest: Duration) -> Duration {
        .nanoseconds(Int64.random(in: 0...max(0, longest.nanoseconds), using: &self))
    }
}

extension Duration {
    /// Whole nanoseconds; more than 292 years count as that many.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product + attoseconds / 1_000_000_000
    }
}
