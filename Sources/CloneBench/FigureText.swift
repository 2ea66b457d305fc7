// SPDX-License-Identifier: Apache-2.0

/// Measured values as people read them, in three digits: more would say more than was measured.
package enum FigureText {
    /// `0.214 ms`, `3.10 ms`, `1.31 s`.
    package static func time(_ seconds: Double) -> String {
        seconds < 1 ? "\(digits(seconds * 1000)) ms" : "\(digits(seconds)) s"
    }

    /// `3.10 ms (2.90 ms to 4.00 ms)`
    package static func time(_ spread: Spread) -> String {
        "\(time(spread.median)) (\(time(spread.min)) to \(time(spread.max)))"
    }

    /// `1,230 MiB/s` or `45,600/s`.
    package static func rate(_ value: Double, of ioCase: IOCase) -> String {
        ioCase.countsBytes ? "\(digits(value / 1_048_576)) MiB/s" : "\(digits(value))/s"
    }

    /// `0.93`
    package static func ratio(_ value: Double) -> String { fixed(value, decimals: 2) }

    /// `0.93 (0.90 to 0.97)`
    package static func ratio(_ spread: Spread) -> String {
        "\(ratio(spread.median)) (\(ratio(spread.min)) to \(ratio(spread.max)))"
    }

    /// `1.0 GiB`
    package static func bytes(_ count: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(fixed(value, decimals: value < 10 ? 1 : 0)) \(units[unit])"
    }

    /// Three digits that count, thousands apart: `0.214`, `45.6`, `1,230`.
    package static func digits(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "?" }
        switch abs(value) {
        case 1000...:
            let step = Logarithm.powerOfTen(Int(Logarithm.decimal(abs(value)).rounded(.down)) - 2)
            return grouped(Int64(((value / step).rounded() * step).rounded()))
        case 99.95...: return grouped(Int64(value.rounded()))
        case 9.995...: return fixed(value, decimals: 1)
        case 0.9995...: return fixed(value, decimals: 2)
        default: return fixed(value, decimals: 3)
        }
    }

    /// A power of ten on an axis of times: `10 µs`, `1 ms`, `10 s`.
    static func tick(time seconds: Double) -> String {
        seconds >= 0.999
            ? "\(digits(whole: seconds)) s"
            : seconds >= 0.000999 ? "\(digits(whole: seconds * 1000)) ms" : "\(digits(whole: seconds * 1e6)) µs"
    }

    /// A round number on an axis, without digits that say nothing: `0`, `2.5`, `1,000`.
    static func digits(whole value: Double) -> String {
        guard abs(value) < 100 else { return digits(value) }
        let text = fixed(value, decimals: 2)
        return String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
    }

    static func fixed(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "?" }
        let scale = Logarithm.powerOfTen(decimals)
        let scaled = Int64((abs(value) * scale).rounded())
        let whole = scaled / Int64(scale)
        let rest = String(scaled % Int64(scale))
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(whole)" }
        return "\(sign)\(whole).\(String(repeating: "0", count: decimals - rest.count))\(rest)"
    }

    private static func grouped(_ value: Int64) -> String {
        var text = ""
        for (index, digit) in String(value).reversed().enumerated() {
            if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }
}
