// SPDX-License-Identifier: Apache-2.0

/// Spreads bytes over time, so that over any stretch of a second or more they keep to a rate. All who share a link
/// reserve in turn, each for as long as its bytes take.
package struct RateSchedule: Sendable {
    /// How far behind the schedule may fall and still catch up: timers are late, and what they lose would be lost for
    /// good.
    private static let slack = Duration.milliseconds(50)

    /// Bytes a second; `nil` for no limit. A positive number.
    package var bytesPerSecond: Double? {
        didSet { next = .zero }
    }
    /// When the bytes reserved so far will have gone.
    private var next = Duration.zero

    package init(bytesPerSecond: Double? = nil) { self.bytesPerSecond = bytesPerSecond }

    /// Reserves time for bytes.
    /// - Returns: how long to wait before they go, and until they have gone; zero without a limit.
    package mutating func reserve(_ bytes: Int, at now: Duration) -> (start: Duration, end: Duration) {
        guard let rate = bytesPerSecond, rate > 0 else { return (.zero, .zero) }
        let start = max(next, now - Self.slack)
        next = start + .seconds(Double(bytes) / rate)
        return (max(.zero, start - now), max(.zero, next - now))
    }
}
