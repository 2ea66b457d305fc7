// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
import X509

/// The certificates of a fleet that count no more though their time is not up, as its authority has signed them: whoever
/// hands the list on can hold it back, but not change it.
package struct RevocationList: Codable, Hashable, Sendable {
    /// The longest one that is read, in bytes of JSON.
    package static let byteLimit = 4 << 20
    /// The most serial numbers in it; one has 40 digits.
    package static let serialLimit = 50_000
    /// How long a certificate stays in it after its end, in seconds: for as long as slow clocks take it for a good one, and
    /// more.
    package static let remembrance: Int64 = 86_400
    private static let purpose = "drover-revoked-1"

    private struct Content: Codable {
        let issued: Int64
        let serials: [String]
    }

    private let content: Data
    private let signature: String

    /// Signs a list.
    /// - Parameter serials: as ``FleetCertificate/serial`` writes them.
    /// - Throws: ``IdentityRefusal/unwritable``, for too many as well.
    package init(_ serials: [String], by authority: FleetAuthority, now: Date) throws(IdentityRefusal) {
        guard serials.count <= Self.serialLimit else { throw .unwritable }
        do {
            content = try JSONEncoder().encode(Content(issued: Int64(now.timeIntervalSince1970), serials: serials))
            signature = Hexadecimal.text(
                try authority.secret.key.signature(for: Self.signed(content)).rawRepresentation)
        } catch {
            throw .unwritable
        }
    }

    /// What the list says.
    /// - Returns: when it was signed, in seconds since 1970, and the serial numbers.
    /// - Throws: ``IdentityRefusal/foreign`` when the fleet's authority has not signed it.
    package func read(_ anchor: FleetAnchor) throws(IdentityRefusal) -> (issued: Int64, serials: Set<String>) {
        guard content.count <= Self.byteLimit, let bytes = Hexadecimal.bytes(signature),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: bytes),
            let key = P256.Signing.PublicKey(anchor.certificate.publicKey),
            key.isValidSignature(signature, for: Self.signed(content))
        else { throw .foreign }
        guard let content = try? JSONDecoder().decode(Content.self, from: content),
            content.serials.count <= Self.serialLimit
        else { throw .unreadable }
        return (content.issued, Set(content.serials))
    }

    private static func signed(_ content: Data) -> Data { Data(purpose.utf8) + content }
}
