// SPDX-License-Identifier: Apache-2.0

/// A span of time as people read it, in its two greatest units at most: `8 s`, `4 min 20 s`, `2 h 5 min`, `3 d`.
package struct SpanText: CustomStringConvertible {
    package let description: String

    /// - Parameter seconds: rounded up, so that nothing is promised too early.
    package init(seconds: Double) {
        guard seconds.isFinite, abs(seconds) < 1e9 else {
            description = "long"
            return
        }
        var rest = max(0, Int(seconds.rounded(.up)))
        var words: [String] = []
        for (unit, length) in [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)] where words.count < 2 {
            let count = rest / length
            rest %= length
            // Once the greatest unit is known, only the one after it is said.
            if count > 0 { words.append("\(count) \(unit)") } else if !words.isEmpty { break }
        }
        description = words.isEmpty ? "0 s" : words.joined(separator: " ")
    }
}
