// SPDX-License-Identifier: Apache-2.0

/// Which host names something is for: a name in which each `*` stands for any characters, such as `rack1-*`.
package struct HostPattern: Hashable, Sendable {
    private let parts: [[UInt8]]

    /// - Returns: `nil` for what no host's name can fit: other characters than those of names, none, or more than 253.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        let isFit = bytes.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || [0x2a, 0x2d, 0x2e, 0x5f].contains(byte)
        }
        guard (1...253).contains(bytes.count), isFit else { return nil }
        parts = bytes.split(separator: 0x2a, omittingEmptySubsequences: false).map { Array($0) }
    }

    package func fits(_ name: String) -> Bool {
        var rest = Array(name.utf8)[...]
        guard let first = parts.first, let last = parts.last, rest.starts(with: first) else { return false }
        guard parts.count > 1 else { return rest.count == first.count }
        rest = rest.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            // checked: the range was found in it.
            rest = rest[found.upperBound...]
        }
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}
