// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import Metainfo

/// Who may speak for masters: the public half of a publisher's Ed25519 key (RFC 8032).
///
/// As text, in files and on command lines: `ed25519:` and the key's 32 bytes in base64.
package struct PublisherKey: Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes of a public key.
    package static let byteCount = 32
    private static let prefix = "ed25519:"

    /// The key's 32 bytes.
    package let bytes: [UInt8]

    /// - Returns: `nil` unless there are exactly 32 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads the text form.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), let data = Data(base64Encoded: String(text.dropFirst(Self.prefix.count)))
        else { return nil }
        self.init(data)
    }

    /// What signatures name the key by: the first 16 hexadecimal digits of its SHA-256.
    package var id: String { String(SHA256Digest(hashing: bytes).hex.prefix(16)) }

    package var description: String { Self.prefix + Data(bytes).base64EncodedString() }

    /// Whether `signature` is this key's signature of `message`. Bytes that are no key sign nothing.
    func isSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

extension PublisherKey: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let key = PublisherKey(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a key is 'ed25519:' and 32 bytes in base64")
        }
        self = key
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
