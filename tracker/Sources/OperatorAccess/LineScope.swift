// SPDX-License-Identifier: Apache-2.0

/// The lines of masters that a token is for: `debian`, or `web-*` for all that begin so.
package struct LineScope: Codable, Hashable, Sendable, CustomStringConvertible {
    private let prefix: String
    private let isOpen: Bool

    /// - Returns: `nil` unless the text is a line's name, or the beginning of one and a `*`.
    package init?(_ text: some StringProtocol) {
        isOpen = text.hasSuffix("*")
        prefix = String(isOpen ? text.dropLast() : text[...])
        let bytes = prefix.utf8
        guard bytes.count <= 63, isOpen || !bytes.isEmpty, bytes.allSatisfy(Self.isNameByte) else { return nil }
    }

    /// Whether the line is one of them.
    package func covers(_ line: String) -> Bool { isOpen ? line.hasPrefix(prefix) : line == prefix }

    /// Whether there is no line that is not one of them.
    package var coversAll: Bool { isOpen && prefix.isEmpty }

    package var description: String { isOpen ? prefix + "*" : prefix }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let scope = LineScope(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "“\(text)” is no scope")
        }
        self = scope
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
