// SPDX-License-Identifier: Apache-2.0

package import NIOSSL

/// TLS with a tracker, as a client: whom it takes for one, and what it shows of itself.
package enum ClientTLS {
    /// - Parameters:
    ///   - anchor: the fleet whose authority may vouch for the tracker.
    ///   - authorities: others that may, as PEM.
    ///   - usesSystem: whether the system's authorities may as well.
    ///   - identity: what is shown to a tracker that asks for it.
    /// - Throws: ``IdentityRefusal/unreadable``.
    package static func configuration(
        anchor: FleetAnchor?, authorities: String?, usesSystem: Bool, identity: HostIdentity?
    ) throws(IdentityRefusal) -> TLSConfiguration {
        do {
            var roots = try authorities.map { try NIOSSLCertificate.fromPEMBytes(Array($0.utf8)) } ?? []
            if let anchor { roots.append(try NIOSSLCertificate(bytes: anchor.der, format: .der)) }
            var configuration = newest
            if usesSystem {
                configuration.additionalTrustRoots = [.certificates(roots)]
            } else {
                configuration.trustRoots = .certificates(roots)
            }
            if let identity {
                let leaf = try NIOSSLCertificate(bytes: identity.certificate.der, format: .der)
                configuration.certificateChain = [.certificate(leaf)]
                configuration.privateKey = .privateKey(
                    try NIOSSLPrivateKey(bytes: Array(identity.key.pem.utf8), format: .pem))
            }
            return configuration
        } catch {
            throw .unreadable
        }
    }

    /// TLS with whoever answers: for what is signed and not secret, and proves itself in other ways.
    package static var unproven: TLSConfiguration {
        var configuration = newest
        configuration.certificateVerification = .none
        return configuration
    }

    /// TLS 1.3, whoever vouches for the tracker.
    private static var newest: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        return configuration
    }

    /// Whether authorities can be read: at least one certificate as PEM.
    package static func areAuthorities(_ pem: String) -> Bool {
        (try? NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)))?.isEmpty == false
    }

    /// What went wrong with TLS, for people; `nil` when it was something else.
    package static func words(_ error: any Error) -> String? {
        switch error {
        case NIOSSLError.handshakeFailed(let reason) where "\(reason)".contains("CERTIFICATE_VERIFY_FAILED"):
            "no authority that is trusted here vouches for its certificate"
        case NIOSSLError.handshakeFailed(let reason) where "\(reason)".contains("WRONG_VERSION_NUMBER"):
            "it does not speak TLS there"
        case NIOSSLError.handshakeFailed(let reason) where "\(reason)".contains("PROTOCOL_VERSION"):
            "it does not speak TLS 1.3"
        case NIOSSLError.handshakeFailed: "the TLS handshake failed"
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            "its certificate is for other names than the one in the URL"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: "TLS failed: \(error)"
        default: nil
        }
    }
}
