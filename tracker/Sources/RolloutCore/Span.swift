// SPDX-License-Identifier: Apache-2.0

/// A length of time in whole milliseconds, never negative.
package struct Span: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = max(0, milliseconds) }

    package static let zero = Span(milliseconds: 0)
    package static func seconds(_ count: Int64) -> Self { Self(milliseconds: multiplied(count, 1000)) }
    package static func minutes(_ count: Int64) -> Self { Self(milliseconds: multiplied(count, 60_000)) }
    package static func hours(_ count: Int64) -> Self { Self(milliseconds: multiplied(count, 3_600_000)) }
    package static func days(_ count: Int64) -> Self { Self(milliseconds: multiplied(count, 86_400_000)) }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    package static func + (left: Self, right: Self) -> Self {
        let (sum, overflow) = left.milliseconds.addingReportingOverflow(right.milliseconds)
        return Self(milliseconds: overflow ? .max : sum)
    }

    package static func * (span: Self, count: Int) -> Self {
        Self(milliseconds: multiplied(span.milliseconds, Int64(count)))
    }

    /// In the largest unit that leaves no rest: `90 s`, `10 min`, `72 h`.
    package var description: String {
        let units: [(Int64, String)] = [(3_600_000, "h"), (60_000, "min"), (1000, "s")]
        for (unit, name) in units where milliseconds >= unit && milliseconds.isMultiple(of: unit) {
            return "\(milliseconds / unit) \(name)"
        }
        return "\(milliseconds) ms"
    }

    package init(from decoder: any Decoder) throws {
        self.init(milliseconds: try decoder.singleValueContainer().decode(Int64.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }

    private static func multiplied(_ count: Int64, _ factor: Int64) -> Int64 {
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
