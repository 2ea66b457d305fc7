// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
import SwiftASN1
import X509

/// The certificate of a fleet's authority, which all of the fleet trust and nobody else does.
package struct FleetAnchor: Hashable, Sendable {
    /// The longest PEM file that is read, in bytes.
    package static let byteLimit = 16 << 10

    let certificate: Certificate
    /// The certificate as DER.
    package let der: [UInt8]

    /// Reads a PEM file with one certificate: one that may sign others and is signed with its own key.
    /// - Throws: ``IdentityRefusal`` with `.unreadable` or `.wrongUse`.
    package init(pem: String) throws(IdentityRefusal) {
        guard pem.utf8.count <= Self.byteLimit, let document = try? PEMDocument(pemString: pem),
            let certificate = try? Certificate(pemDocument: document)
        else { throw .unreadable }
        try self.init(certificate)
    }

    init(_ certificate: Certificate) throws(IdentityRefusal) {
        guard case .isCertificateAuthority = try? certificate.extensions.basicConstraints,
            (try? certificate.extensions.keyUsage)?.keyCertSign == true, certificate.issuer == certificate.subject,
            certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        else { throw .wrongUse }
        var serializer = DER.Serializer()
        guard (try? serializer.serialize(certificate)) != nil else { throw .unreadable }
        self.certificate = certificate
        der = serializer.serializedBytes
    }

    /// The certificate as a PEM file; the same bytes for the same certificate.
    package var pem: String { PEMDocument(type: Certificate.defaultPEMDiscriminator, derBytes: der).pemString + "\n" }

    /// SHA-256 of the certificate in lower-case hexadecimal, by which people and tokens name the fleet.
    package var fingerprint: String {
        Hexadecimal.text(SHA256.hash(data: der))
    }

    /// When the authority's own certificate ends.
    package var validUntil: Date { certificate.notValidAfter }
}
