// SPDX-License-Identifier: Apache-2.0

/// The rack in which a host stands, as its operator calls it: 1 to 32 letters, digits, `-`, `_` and `.` of ASCII.
package struct RackName: Hashable, Sendable {
    /// The most bytes in a name.
    package static let maximumByteCount = 32
    /// The parameter of an announce that carries it.
    static let parameter = "rack"

    package let text: String

    /// - Returns: `nil` for what is no rack's name.
    package init?(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty, bytes.count <= Self.maximumByteCount, bytes.allSatisfy(Self.isAllowed) else { return nil }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// - Returns: `nil` for what is no rack's name.
    package init?(_ text: String) { self.init(Array(text.utf8.prefix(Self.maximumByteCount + 1))) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
        default: false
        }
    }
}

extension RackName: CustomStringConvertible {
    package var description: String { text }
}
