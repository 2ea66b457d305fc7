// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// An operator's token as its holder has it: `drv_` and 256 random bits in hexadecimal. It is shown once, when it is made;
/// the tracker keeps its digest.
package struct TokenSecret: Sendable {
    /// What every token begins with, so that scanners find one that was left lying about.
    package static let prefix = "drv_"
    /// The random bytes in it.
    package static let byteCount = 32

    /// The token itself. Nothing but its maker shows it.
    package let text: String

    /// - Parameter bytes: fresh random bytes.
    /// - Returns: `nil` unless there are exactly 32.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        text = Self.prefix + bytes.hexadecimal
    }

    /// Reads a token that somebody presents.
    /// - Returns: `nil` for what cannot be one.
    package init?(_ text: some StringProtocol) {
        let digits = text.utf8.dropFirst(Self.prefix.utf8.count)
        guard text.hasPrefix(Self.prefix), digits.count == 2 * Self.byteCount,
            digits.allSatisfy({
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            })
        else { return nil }
        self.text = String(text)
    }

    /// What the tracker keeps of it.
    package var digest: SHA256Digest { SHA256Digest(hashing: Array(text.utf8)) }

    /// The name under which it is listed, audited and revoked: it gives nothing of the token away.
    package var id: String { Self.id(of: digest) }

    /// The name of the token that has this digest.
    package static func id(of digest: SHA256Digest) -> String { String(digest.hex.prefix(16)) }
}

extension TokenSecret: CustomStringConvertible {
    /// Never the token, so that none gets into a log.
    package var description: String { Self.prefix + "***" }
}
