// SPDX-License-Identifier: Apache-2.0

/// How often something took how long, by steps that are fixed when it is made.
package struct Histogram: Equatable, Sendable {
    /// The upper ends of the steps in seconds, ascending; what takes longer than the last one is counted in none.
    package let bounds: [Double]
    /// By step, each without those before it.
    package private(set) var counts: [UInt64]
    package private(set) var count: UInt64 = 0
    /// All observed seconds together.
    package private(set) var sum = 0.0

    /// - Parameter bounds: see ``bounds``.
    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count)
    }

    /// Adds observations.
    /// - Parameters:
    ///   - seconds: how long each of them took.
    ///   - times: how many there are.
    package mutating func observe(_ seconds: Double, times: Int = 1) {
        guard times > 0, seconds.isFinite else { return }
        count &+= UInt64(times)
        sum += seconds * Double(times)
        if let step = bounds.firstIndex(where: { seconds <= $0 }) { counts[step] &+= UInt64(times) }
    }
}

extension Histogram {
    /// The upper end of the step within which so large a part of all observations lies; infinity beyond the last step, `nil`
    /// without observations.
    package func quantile(_ part: Double) -> Double? {
        guard count > 0 else { return nil }
        var passed: UInt64 = 0
        for (bound, more) in zip(bounds, counts) {
            passed &+= more
            if Double(passed) >= Double(count) * part { return bound }
        }
        return .infinity
    }
}
