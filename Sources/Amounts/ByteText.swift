// SPDX-License-Identifier: Apache-2.0

/// A number of bytes as people read it: `431 MiB`, `2.0 GiB`.
package struct ByteText: CustomStringConvertible {
    package let description: String

    package init(_ count: Int64) {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit == 0 {
            description = "\(count) B"
        } else if value < 10 {
            let tenths = Int((value * 10).rounded())
            description = "\(tenths / 10).\(tenths % 10) \(units[unit])"
        } else {
            description = "\(Int(value.rounded())) \(units[unit])"
        }
    }

    /// As many whole bytes as there are.
    package init(_ count: Double) { self.init(Int64(exactly: count.rounded(.down)) ?? 0) }
}
