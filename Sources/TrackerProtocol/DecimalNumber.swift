// SPDX-License-Identifier: Apache-2.0

/// Reads numbers as addresses and queries write them.
enum DecimalNumber {
    /// The value of one or more decimal digits without a sign and without leading zeros, or `nil` when `bytes` is
    /// anything else or does not fit `Number`.
    static func parse<Number: FixedWidthInteger>(_ bytes: some Sequence<UInt8>, as: Number.Type) -> Number? {
        var value: Number = 0
        var digitCount = 0
        for byte in bytes {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            guard digitCount == 0 || value != 0 else { return nil }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowed) = shifted.addingReportingOverflow(Number(byte - UInt8(ascii: "0")))
            guard !overflow, !overflowed else { return nil }
            value = sum
            digitCount += 1
        }
        return digitCount > 0 ? value : nil
    }
}
