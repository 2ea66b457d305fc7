// SPDX-License-Identifier: Apache-2.0

/// A time as HTTP servers write it, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7); its older forms are not read.
struct HTTPDate {
    /// Since 1970.
    let seconds: Int64

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// - Returns: `nil` for anything else.
    init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 6, words[5] == "GMT", let day = Self.number(words[1], digits: 2, 1...31),
            let month = Self.months.firstIndex(of: String(words[2])),
            let year = Self.number(words[3], digits: 4, 1970...9999)
        else { return nil }
        let clock = words[4].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, let hour = Self.number(clock[0], digits: 2, 0...23),
            let minute = Self.number(clock[1], digits: 2, 0...59), let second = Self.number(clock[2], digits: 2, 0...60)
        else { return nil }
        seconds = Self.days(year, month + 1, day) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    private static func number(_ text: Substring, digits: Int, _ range: ClosedRange<Int>) -> Int? {
        guard text.utf8.count == digits, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text)
        else { return nil }
        return range.contains(number) ? number : nil
    }

    /// Days since 1970 in the Gregorian calendar, counted in years that begin in March, so that the leap day comes last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let (era, month) = (year / 400, (month + 9) % 12)
        let yearOfEra = year - era * 400
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + (153 * month + 2) / 5 + day - 1
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }
}
