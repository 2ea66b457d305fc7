// SPDX-License-Identifier: Apache-2.0

import Crypto
import SwiftASN1
import X509

/// What a host sends to get a certificate (PKCS #10): its public key, and proof that it has the secret one. Names in it mean
/// nothing.
package struct CertificateRequest: Sendable {
    /// The longest PEM text that is read, in bytes.
    package static let byteLimit = 8 << 10

    private let request: CertificateSigningRequest

    var publicKey: Certificate.PublicKey { request.publicKey }

    /// A request for a certificate of this key, without any name.
    /// - Throws: ``IdentityRefusal/unwritable``.
    package init(for key: IdentityKey) throws(IdentityRefusal) {
        do {
            request = try CertificateSigningRequest(
                version: .v1, subject: DistinguishedName(), privateKey: key.signer,
                attributes: CertificateSigningRequest.Attributes(), signatureAlgorithm: .ecdsaWithSHA256)
        } catch {
            throw .unwritable
        }
    }

    /// Reads a request.
    /// - Throws: ``IdentityRefusal``; `.unproven` for one that is not signed with its own key.
    package init(pem: String) throws(IdentityRefusal) {
        guard pem.utf8.count <= Self.byteLimit, let document = try? PEMDocument(pemString: pem),
            let request = try? CertificateSigningRequest(pemDocument: document),
            P256.Signing.PublicKey(request.publicKey) != nil
        else { throw .unreadable }
        guard request.publicKey.isValidSignature(request.signature, for: request) else { throw .unproven }
        self.request = request
    }

    /// The request as PEM.
    /// - Throws: ``IdentityRefusal/unwritable``.
    package var pem: String {
        get throws(IdentityRefusal) {
            guard let document = try? request.serializeAsPEM() else { throw .unwritable }
            return document.pemString + "\n"
        }
    }
}
