// SPDX-License-Identifier: Apache-2.0

import Crypto
import X509

/// The secret key of a host, of the tracker or of the fleet's authority: ECDSA on P-256, which every TLS 1.3 takes.
///
/// It is made where it is used and stays there; what travels is a ``CertificateRequest``.
package struct IdentityKey: Sendable {
    let key: P256.Signing.PrivateKey

    /// A new key from the system's random source.
    package init() { key = P256.Signing.PrivateKey() }

    /// Reads what ``pem`` wrote, or `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
    /// - Returns: `nil` for anything else.
    package init?(pem: String) {
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: pem) else { return nil }
        self.key = key
    }

    /// The key as a PEM file in PKCS #8. Nobody but its owner may read it.
    package var pem: String { key.pemRepresentation + "\n" }

    var signer: Certificate.PrivateKey { Certificate.PrivateKey(key) }

    /// Whether this is the key that a certificate speaks of.
    package func belongs(to certificate: FleetCertificate) -> Bool {
        certificate.certificate.publicKey == signer.publicKey
    }
}
