// SPDX-License-Identifier: Apache-2.0

import Crypto

/// What lets one host into a fleet, once. Its holder proves that he has it without showing it: it is the secret key of a
/// signature, and the tracker keeps a digest of the public one. It names the fleet too, so that a host knows at first contact
/// whose tracker it talks to.
package struct EnrolmentToken: Sendable, CustomStringConvertible {
    /// What every token begins with, so that scanners find one that was left lying about.
    private static let prefix = "drover-enrol"

    /// Of the fleet's authority, as ``FleetAnchor/fingerprint``.
    package let fingerprint: String
    let key: Curve25519.Signing.PrivateKey

    /// A new token from the system's random source.
    package init(for anchor: FleetAnchor) {
        fingerprint = anchor.fingerprint
        key = Curve25519.Signing.PrivateKey()
    }

    /// Reads what ``secret`` wrote.
    /// - Returns: `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let first = parts.first, first == Self.prefix,
            let fingerprint = parts.dropFirst().first,
            let seed = parts.last.flatMap({ Hexadecimal.bytes($0) }), Hexadecimal.bytes(fingerprint)?.count == 32,
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        else { return nil }
        self.fingerprint = String(fingerprint)
        self.key = key
    }

    /// The token as people carry it around. Nothing but its maker shows it.
    package var secret: String {
        "\(Self.prefix).\(fingerprint).\(Hexadecimal.text(Array(key.rawRepresentation)))"
    }

    /// What the tracker knows it by: SHA-256 of the public key.
    package var digest: [UInt8] { Self.digest(of: Array(key.publicKey.rawRepresentation)) }

    static func digest(of publicKey: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: publicKey)) }

    /// Never the token, so that none gets into a log.
    package var description: String { "\(Self.prefix).***" }
}
