// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import SwiftASN1

/// The secret half of a publisher's key. It stays with the publisher: it is in no request, no log and no store.
package struct SigningKey: Sendable {
    /// The number of random bytes that a key is made of.
    package static let seedByteCount = 32
    /// What every Ed25519 key in PKCS #8 begins with (RFC 8410 §7): version, algorithm, and the headers of two nested
    /// octet strings. The seed follows.
    private static let pkcs8Header: [UInt8] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]
    private static let pemType = "PRIVATE KEY"

    private let key: Curve25519.Signing.PrivateKey

    /// - Parameter seed: 32 bytes from the system's random source.
    /// - Returns: `nil` when there are not exactly 32.
    package init?(seed: [UInt8]) {
        guard seed.count == Self.seedByteCount, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        else { return nil }
        self.key = key
    }

    /// Reads what ``pem`` wrote, or `openssl genpkey -algorithm ed25519`.
    /// - Returns: `nil` for anything else.
    package init?(pem: String) {
        guard let document = try? PEMDocument(pemString: pem), document.discriminator == Self.pemType,
            document.derBytes.starts(with: Self.pkcs8Header)
        else { return nil }
        self.init(seed: Array(document.derBytes.dropFirst(Self.pkcs8Header.count)))
    }

    /// The key as a PEM file in PKCS #8, which OpenSSL reads too.
    package var pem: String {
        PEMDocument(type: Self.pemType, derBytes: Self.pkcs8Header + Array(key.rawRepresentation)).pemString + "\n"
    }

    /// - Returns: `nil` never in practice: a public key has 32 bytes.
    package var publicKey: PublisherKey? { PublisherKey(Array(key.publicKey.rawRepresentation)) }

    /// - Returns: `nil` when the system has no randomness left for blinding; nothing was signed then.
    func signature(of message: [UInt8]) -> [UInt8]? {
        (try? key.signature(for: message)).map { Array($0) }
    }
}
