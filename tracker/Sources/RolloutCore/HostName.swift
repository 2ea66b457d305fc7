// SPDX-License-Identifier: Apache-2.0

/// The name under which the fleet knows a host: lower-case letters, digits, `.`, `_` and `-`, beginning with a letter
/// or digit, at most 253 of them. It is never used as a path.
package struct HostName: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    /// - Returns: `nil` for what is no such name.
    package init?(_ name: some StringProtocol) {
        let bytes = name.utf8
        guard (1...253).contains(bytes.count), bytes.first.map(isNameStart) == true, bytes.allSatisfy(isNameByte) else {
            return nil
        }
        description = String(name)
    }

    package static func < (left: Self, right: Self) -> Bool { left.description < right.description }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let host = HostName(name) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "“\(name)” is no host name")
        }
        self = host
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

func isNameStart(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

func isNameByte(_ byte: UInt8) -> Bool {
    isNameStart(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
}
