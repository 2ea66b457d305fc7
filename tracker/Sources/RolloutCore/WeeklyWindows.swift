// SPDX-License-Identifier: Apache-2.0

/// The times of a week in which activation may go on, by UTC: `sat-sun 01:00-05:00,wed 22:00-02:00`.
///
/// Each window is a day or a range of days, and from when to when. One that ends at or before its start reaches into the
/// next day; without days it is meant for every day.
package struct WeeklyWindows: Equatable, Sendable, Codable, CustomStringConvertible {
    package let description: String
    /// In minutes since the week's beginning on Monday; the end may lie in the next week.
    private let windows: [Range<Int>]

    private static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    private static let day = 24 * 60
    private static let week = 7 * day
    /// The most windows of a rollout, after ranges of days were taken apart.
    private static let limit = 100

    /// Reads the syntax above.
    package init(_ text: String) throws(WeeklyWindowsError) {
        var windows: [Range<Int>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: " ")
            guard (1...2).contains(words.count), let time = words.last,
                let days = words.count == 1 ? 0..<7 : Self.days(words[0]), let (start, end) = Self.times(time)
            else { throw .unclear(String(part)) }
            for day in days {
                let opening = day % 7 * Self.day + start
                windows.append(opening..<opening + (end > start ? end - start : end - start + Self.day))
            }
            guard windows.count <= Self.limit else { throw .tooMany(Self.limit) }
        }
        description = text
        self.windows = windows
    }

    /// Whether one of them is open, by a clock that counts from 1970.
    package func isOpen(at instant: Instant) -> Bool {
        // 1970 began on a Thursday.
        let minutes = instant.milliseconds / 60_000 % Int64(Self.week) + Int64(3 * Self.day)
        let minute = Int(minutes) % Self.week
        return windows.contains { $0.contains(minute) || $0.contains(minute + Self.week) }
    }

    /// Days in their order, those of a range that goes beyond Sunday as well.
    private static func days(_ text: Substring) -> Range<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(ends.count), let first = days.firstIndex(of: String(ends[0])),
            let last = days.firstIndex(of: String(ends[ends.count - 1]))
        else { return nil }
        return first..<(last >= first ? last + 1 : last + 8)
    }

    private static func times(_ text: Substring) -> (start: Int, end: Int)? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let start = minutes(ends[0]), let end = minutes(ends[1]), start < day else { return nil }
        return (start, end)
    }

    /// `HH:MM`, from 00:00 to 24:00.
    private static func minutes(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour * 60 + minute <= day
        else { return nil }
        return hour * 60 + minute
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            try self.init(container.decode(String.self))
        } catch let error as WeeklyWindowsError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// What is wrong with the text of ``WeeklyWindows``.
package enum WeeklyWindowsError: Error, Equatable, CustomStringConvertible {
    case unclear(String)
    case tooMany(Int)

    package var description: String {
        switch self {
        case .unclear(let text):
            "“\(text)” is no weekly window: write days and times in UTC, as in “sat-sun 01:00-05:00,wed 22:00-02:00”."
        case .tooMany(let limit): "There are too many windows: \(limit) are the most, each day counted."
        }
    }
}
