// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
import X509

/// How an enrolled host asks for its next certificate: with a new key, signed with the one that it has.
package struct RenewalRequest: Codable, Sendable {
    private static let purpose = "drover-renew-1"

    private let certificate: String
    private let request: String
    private let signature: String

    /// - Throws: ``IdentityRefusal/unwritable``.
    package init(_ identity: HostIdentity, next key: IdentityKey) throws(IdentityRefusal) {
        certificate = identity.certificate.pem
        request = try CertificateRequest(for: key).pem
        guard let signature = try? identity.key.key.signature(for: Self.signed(request)) else { throw .unwritable }
        self.signature = Hexadecimal.text(signature.rawRepresentation)
    }

    /// What the request proves.
    /// - Returns: the certificate that its sender has, and the key to be certified.
    /// - Throws: ``IdentityRefusal`` for a certificate that counts no more, or whose key did not sign this.
    package func proven(
        _ check: CertificateCheck, now: Date
    ) async throws(IdentityRefusal) -> (certificate: FleetCertificate, request: CertificateRequest) {
        let certificate = try FleetCertificate(pem: certificate)
        try await check.check(certificate, now: now)
        guard let bytes = Hexadecimal.bytes(signature),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: bytes),
            let key = P256.Signing.PublicKey(certificate.certificate.publicKey),
            key.isValidSignature(signature, for: Self.signed(request))
        else { throw .unproven }
        return (certificate, try CertificateRequest(pem: request))
    }

    private static func signed(_ request: String) -> Data { Data("\(purpose)\0\(request)".utf8) }
}
