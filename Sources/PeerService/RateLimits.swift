// SPDX-License-Identifier: Apache-2.0

/// The caps on what a host's peer sends and receives, in bits a second; `nil` for none. They are kept in the store.
package struct RateLimits: Codable, Equatable, Sendable {
    package var up: Int64?
    package var down: Int64?

    package init(up: Int64? = nil, down: Int64? = nil) {
        self.up = up
        self.down = down
    }
}

/// A rate as people write it: `200M`, `1.5G`, `500k` or `64000` bits a second, or `off`.
package struct RateText: Equatable, Sendable {
    /// The least rate, at which one block takes two seconds: below it peers would take each other for dead.
    package static let least: Int64 = 64_000
    /// Bits a second; `nil` for `off`.
    package let bitsPerSecond: Int64?

    /// - Returns: `nil` for what is no rate, or one below ``least`` or above 1 Tbit/s.
    package init?(_ text: String) {
        if text.lowercased() == "off" {
            bitsPerSecond = nil
            return
        }
        let factors: [Character: Double] = ["k": 1e3, "m": 1e6, "g": 1e9]
        let factor = text.lowercased().last.flatMap { factors[$0] }
        let digits = factor == nil ? text[...] : text.dropLast()
        guard digits.first?.isNumber == true, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
            let number = Double(digits)
        else { return nil }
        let bits = number * (factor ?? 1)
        guard bits >= Double(Self.least), bits <= 1e12 else { return nil }
        bitsPerSecond = Int64(bits)
    }

    /// A rate in words.
    package static func words(_ bitsPerSecond: Int64?) -> String {
        guard let bits = bitsPerSecond else { return "off" }
        for (unit, factor) in [("G", 1_000_000_000), ("M", 1_000_000), ("k", 1000)] as [(String, Int64)]
        where bits >= factor {
            let tenths = (bits * 10 + factor / 2) / factor
            return tenths % 10 == 0 ? "\(tenths / 10)\(unit)" : "\(tenths / 10).\(tenths % 10)\(unit)"
        }
        return "\(bits)"
    }
}
