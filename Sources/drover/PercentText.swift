// SPDX-License-Identifier: Apache-2.0

/// A part of a whole as people read it.
enum PercentText {
    /// - Parameter part: 0 to 1; `nil` gives nothing.
    static func of(_ part: Double?) -> String { part.map { "\(Int(($0 * 100).rounded(.down))) %" } ?? "" }
}
