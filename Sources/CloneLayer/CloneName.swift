// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// A clone's name: 1 to 63 letters, digits, `.`, `_` or `-`, beginning with a letter or digit, so that it can be a file
/// name, a device name and a volume name anywhere.
package struct CloneName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let text: String

    /// - Throws: ``CloneError`` of kind `.usage` with the rule in words.
    package init(_ text: String) throws(CloneError) {
        guard MasterName.isValid(name: text) else {
            throw CloneError(
                .usage,
                "'\(text)' cannot name a clone: use 1 to 63 letters, digits, '.', '_' or '-', "
                    + "beginning with a letter or digit")
        }
        self.text = text
    }

    /// The names of `count` clones: `CLONE-1` to `CLONE-count`, or `CLONE` alone when no count was asked for.
    /// - Parameter count: 1 to 10,000, or `nil`.
    /// - Throws: ``CloneError`` of kind `.usage` when the count is out of range or a numbered name grows too long.
    package static func series(_ base: CloneName, count: Int?) throws(CloneError) -> [CloneName] {
        guard let count else { return [base] }
        guard (1...10_000).contains(count) else {
            throw CloneError(.usage, "\(count) clones cannot be made at once: ask for 1 to 10,000")
        }
        var names: [CloneName] = []
        names.reserveCapacity(count)
        for number in 1...count { names.append(try CloneName("\(base.text)-\(number)")) }
        return names
    }

    package var description: String { text }

    package static func < (left: CloneName, right: CloneName) -> Bool { left.text < right.text }
}
