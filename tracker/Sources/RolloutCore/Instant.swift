// SPDX-License-Identifier: Apache-2.0

/// A moment on the tracker's own clock, in milliseconds since a fixed start of its choice. It never goes back while the
/// tracker keeps its data, and no clock of a host is ever compared with it.
package struct Instant: Hashable, Comparable, Sendable, Codable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// Later by `span`; the far end of time is as late as it gets.
    package static func + (instant: Self, span: Span) -> Self {
        let (sum, overflow) = instant.milliseconds.addingReportingOverflow(span.milliseconds)
        return Self(milliseconds: overflow ? .max : sum)
    }

    /// From `earlier` to this one; nothing when that is later.
    package func since(_ earlier: Self) -> Span {
        let (difference, overflow) = milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return Span(milliseconds: overflow ? .max : max(0, difference))
    }

    package init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}
