// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import NIOCore
import NIOSSL
import X509

/// TLS 1.3 between hosts of one fleet: both ends show a certificate, and only those that ``CertificateCheck`` takes get in.
package struct MutualTLS: Sendable {
    /// How long the other side may take to say that it closes.
    private static let shutdownTimeout = TimeAmount.seconds(2)

    package let anchor: FleetAnchor
    private let check: CertificateCheck
    private let server: NIOSSLContext
    private let client: NIOSSLContext

    /// - Parameter revoked: serial numbers that count no more.
    /// - Throws: ``IdentityRefusal/unreadable`` when the TLS library does not take key or certificate.
    package init(_ identity: HostIdentity, revoked: Set<String> = []) throws(IdentityRefusal) {
        anchor = identity.anchor
        check = CertificateCheck(anchor: identity.anchor, revoked: revoked)
        do {
            let leaf = try NIOSSLCertificate(bytes: identity.certificate.der, format: .der)
            let key = try NIOSSLPrivateKey(bytes: Array(identity.key.pem.utf8), format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: [.certificate(leaf)], privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv13
            // The check replaces the library's own; the setting makes a server ask for a certificate and insist on it.
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates([try NIOSSLCertificate(bytes: identity.anchor.der, format: .der)])
            configuration.shutdownTimeout = Self.shutdownTimeout
            server = try NIOSSLContext(configuration: configuration)
            var dialling = TLSConfiguration.makeClientConfiguration()
            dialling.certificateChain = configuration.certificateChain
            dialling.privateKey = configuration.privateKey
            dialling.minimumTLSVersion = .tlsv13
            dialling.certificateVerification = .noHostnameVerification
            dialling.trustRoots = configuration.trustRoots
            dialling.shutdownTimeout = Self.shutdownTimeout
            client = try NIOSSLContext(configuration: dialling)
        } catch {
            throw .unreadable
        }
    }

    /// Whether a certificate that was good counts no more.
    package func revokes(_ certificate: FleetCertificate) -> Bool {
        // Another fleet may have the same name; its key is another.
        !anchor.certificate.publicKey.isValidSignature(certificate.certificate.signature, for: certificate.certificate)
            || check.revoked.contains(certificate.serial)
    }

    /// The handler for a connection that was accepted.
    /// - Parameter verified: told the outcome, before a byte of what comes after the handshake is handed on.
    package func accepting(
        _ verified: @escaping @Sendable (Result<FleetCertificate, IdentityRefusal>) -> Void
    ) -> any ChannelHandler {
        NIOSSLServerHandler(context: server, customVerificationCallback: verification(verified))
    }

    /// The handler for a connection that this side makes.
    /// - Parameter serverName: what to ask for in the handshake, without protection.
    /// - Throws: for a name that cannot stand there.
    package func dialling(
        _ serverName: String, _ verified: @escaping @Sendable (Result<FleetCertificate, IdentityRefusal>) -> Void
    ) throws -> any ChannelHandler {
        try NIOSSLClientHandler(
            context: client, serverHostname: serverName, customVerificationCallback: verification(verified))
    }

    private func verification(
        _ verified: @escaping @Sendable (Result<FleetCertificate, IdentityRefusal>) -> Void
    ) -> NIOSSLCustomVerificationCallback {
        { [check] certificates, promise in
            // Of a chain only the leaf counts.
            let chain = certificates.prefix(1).compactMap { try? $0.toDERBytes() }
            promise.completeWithTask {
                do throws(IdentityRefusal) {
                    let certificate = try await check.check(chain, now: Date()) { holder in
                        if case .host = holder { true } else { false }
                    }
                    verified(.success(certificate))
                    return .certificateVerified
                } catch {
                    verified(.failure(error))
                    return .failed
                }
            }
        }
    }
}
