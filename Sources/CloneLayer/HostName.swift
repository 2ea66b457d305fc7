// SPDX-License-Identifier: Apache-2.0

/// The name of a guest in its network (RFC 1123): labels of letters, digits and hyphens, joined by dots.
package struct HostName: Hashable, Sendable {
    private static let longest = 253
    private static let longestLabel = 63

    package let text: String

    /// - Throws: ``CloneError`` of kind `.usage` with the rule in words.
    package init(_ text: String) throws(CloneError) {
        guard Self.isValid(text) else {
            throw CloneError(
                .usage,
                "'\(String.shown(text))' cannot be a host name: use up to 63 letters, digits and '-', beginning and ending "
                    + "with a letter or digit; a domain may follow after a dot")
        }
        self.text = text
    }

    /// The name of a guest that was given none: its clone's. Guests call themselves by its first part alone, so that a
    /// clone's number goes there, as ``numbered(_:)`` has it: `web.lab-3` becomes `web-3.lab`.
    /// - Parameter number: of one of many, with which the clone's name ends.
    /// - Throws: ``CloneError`` of kind `.usage` when that is none in a network.
    package init(of clone: CloneName, number: Int? = nil) throws(CloneError) {
        var text = clone.text
        let ending = number.map { "-\($0)" } ?? ""
        if text.hasSuffix(ending), let dot = text.firstIndex(of: ".") {
            text = "\(text[..<dot])\(ending)\(text[dot...].dropLast(ending.count))"
        }
        guard Self.isValid(text) else {
            throw CloneError(
                .usage,
                "the name of the clone \(clone) cannot be its guest's, which has no '_' and no number after a "
                    + "dot; add --hostname NAME")
        }
        self.text = text
    }

    /// The name of one of many: `web.example.net` as number 3 is `web-3.example.net`.
    /// - Throws: ``CloneError`` of kind `.usage` when the name grows too long.
    package func numbered(_ number: Int) throws(CloneError) -> HostName {
        let label = text.prefix { $0 != "." }
        return try HostName("\(label)-\(number)\(text.dropFirst(label.count))")
    }

    private static func isValid(_ text: String) -> Bool {
        guard text.utf8.count <= longest else { return false }
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // A last label of digits alone reads as an IPv4 address.
        guard let last = labels.last, !last.allSatisfy(isDigit) else { return false }
        return labels.allSatisfy { label in
            guard let first = label.first, let last = label.last, label.count <= longestLabel else { return false }
            return isLetterOrDigit(first) && isLetterOrDigit(last)
                && label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

extension String {
    /// Enough of somebody's word to find it again, and nothing that a terminal would act on.
    static func shown(_ word: some StringProtocol) -> String {
        String(String.UnicodeScalarView(word.unicodeScalars.prefix(40).map { $0.isPrintable ? $0 : "?" }))
    }
}
