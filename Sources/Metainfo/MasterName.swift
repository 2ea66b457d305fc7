// SPDX-License-Identifier: Apache-2.0

/// A master's name and version, written `NAME@VERSION`: what operators type and what files are called.
package struct MasterName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The line of masters this one belongs to: 1 to 63 letters, digits, `.`, `_` or `-`, beginning with a letter or
    /// digit. It can therefore be a file name anywhere.
    package let name: String
    /// The version; 1 or more, and larger means newer.
    package let version: Int

    /// - Returns: `nil` unless the name follows the rule above and the version is positive.
    package init?(name: String, version: Int) {
        guard Self.isValid(name: name), version > 0 else { return nil }
        self.name = name
        self.version = version
    }

    /// Reads `NAME@VERSION`.
    /// - Returns: `nil` unless both parts are there and valid; the version has no sign and no leading zero.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        // checked: there are two parts.
        guard parts.count == 2, let version = Self.version(parts[1]) else { return nil }
        self.init(name: String(parts[0]), version: version)
    }

    /// Whether `name` may name a line of masters (or a clone: the rule is the same).
    package static func isValid(name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...63).contains(bytes.count), let first = bytes.first, isAlphanumeric(first) else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || [0x2e, 0x5f, 0x2d].contains($0) }
    }

    /// A stranger's torrent name made into a valid one: a trailing `.raw` or `.img` goes, every other character
    /// becomes `-`; version 1. A name that already reads `NAME@VERSION.raw` keeps both.
    package init(sanitising text: String) {
        var stem = text.split(separator: "/").last.map(String.init) ?? ""
        for suffix in [".raw", ".img"] where stem.hasSuffix(suffix) {
            stem = String(stem.dropLast(suffix.count))
            break
        }
        if let exact = MasterName(stem) {
            self = exact
            return
        }
        var bytes = stem.utf8.prefix(63).map { Self.isAlphanumeric($0) || $0 == 0x2e || $0 == 0x5f ? $0 : 0x2d }
        bytes = Array(bytes.drop { !Self.isAlphanumeric($0) })
        name = bytes.isEmpty ? "image" : String(decoding: bytes, as: UTF8.self)
        version = 1
    }

    package var description: String { "\(name)@\(version)" }

    /// The `name` a torrent of this master carries: `NAME@VERSION.raw`.
    package var fileName: String { "\(self).raw" }

    package static func < (left: MasterName, right: MasterName) -> Bool {
        (left.name, left.version) < (right.name, right.version)
    }

    private static func version(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.first != "0" else { return nil }
        return Int(text)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }
}
