// SPDX-License-Identifier: Apache-2.0

/// A median and how far the values lie apart.
package struct Spread: Equatable, Codable, Sendable {
    package let median: Double
    package let min: Double
    package let max: Double
    /// How many values there were.
    package let count: Int

    /// - Returns: `nil` without values.
    package init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let least = sorted.first, let most = sorted.last else { return nil }
        count = sorted.count
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        min = least
        max = most
    }

    /// Whether every value of this is above every value of the other: what is not clear is not told apart. A single
    /// value shows no spread and so tells nothing apart.
    package func isClearlyAbove(_ other: Spread) -> Bool { count > 1 && other.count > 1 && min > other.max }
}

/// How long it took to make clones, in seconds.
package struct CreationTimes: Equatable, Codable, Sendable {
    package let count: Int
    package let p50: Double
    package let p99: Double
    package let min: Double
    package let max: Double
    /// The median of each repetition, and how far these lie apart.
    package let medians: Spread

    /// - Parameter repetitions: what each of them measured.
    /// - Returns: `nil` without values.
    package init?(_ repetitions: [[Double]]) {
        guard let medians = Spread(repetitions.compactMap { Spread($0)?.median }) else { return nil }
        self.medians = medians
        let sorted = repetitions.joined().sorted()
        guard let least = sorted.first, let most = sorted.last else { return nil }
        count = sorted.count
        p50 = Self.percentile(50, of: sorted)
        p99 = Self.percentile(99, of: sorted)
        min = least
        max = most
    }

    /// The least value that `percent` of a hundred values do not exceed (nearest rank).
    /// - Parameter sorted: not empty, ascending.
    private static func percentile(_ percent: Int, of sorted: [Double]) -> Double {
        let rank = (sorted.count * percent + 99) / 100
        return sorted[Swift.max(1, rank) - 1]
    }
}

extension [Double] {
    /// The geometric mean, which makes twice as fast in one and half as fast in another case come to nothing; `nil`
    /// without values or with one that is not positive.
    package var geometricMean: Double? {
        guard !isEmpty, allSatisfy({ $0 > 0 }) else { return nil }
        return Logarithm.exponential(reduce(0) { $0 + Logarithm.natural($1) } / Double(count))
    }
}
