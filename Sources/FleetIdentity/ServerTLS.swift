// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import NIOCore
import NIOSSL
import SwiftASN1
import X509

/// TLS 1.3 at the tracker's door: the tracker shows its certificate, and whoever comes may show one of the fleet.
///
/// A certificate that is shown is not judged here, only known to be its sender's: what it is worth is found out for each
/// request, so that one that was revoked, or whose time is up, counts no more from that moment on.
package struct ServerTLS: Sendable {
    /// How long the other side may take to say that it closes.
    private static let shutdownTimeout = TimeAmount.seconds(2)

    private let context: NIOSSLContext

    /// - Parameters:
    ///   - chain: the server's certificates as PEM, its own first.
    ///   - key: the key of the first as PEM.
    ///   - anchor: the fleet whose certificates may be shown; nobody is asked for one when it is `nil`.
    /// - Throws: ``IdentityRefusal/unreadable`` when the TLS library does not take them.
    package init(chain: String, key: String, anchor: FleetAnchor?) throws(IdentityRefusal) {
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(Array(chain.utf8))
            guard !certificates.isEmpty else { throw IdentityRefusal.unreadable }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: certificates.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
            configuration.minimumTLSVersion = .tlsv13
            configuration.applicationProtocols = ["http/1.1"]
            configuration.shutdownTimeout = Self.shutdownTimeout
            if let anchor {
                configuration.certificateVerification = .optionalVerification
                configuration.trustRoots = .certificates([try NIOSSLCertificate(bytes: anchor.der, format: .der)])
                configuration.sendCANameList = true
            } else {
                configuration.certificateVerification = .none
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .unreadable
        }
    }

    /// When the first certificate of a chain ends; `nil` when it cannot be read.
    package static func validUntil(chain: String) -> Date? {
        let first = try? PEMDocument.parseMultiple(pemString: chain).first
        return first.flatMap { try? Certificate(pemDocument: $0) }?.notValidAfter
    }

    /// The handler for a connection that was accepted.
    package func accepting() -> any ChannelHandler {
        NIOSSLServerHandler(context: context) { _, promise in promise.succeed(.certificateVerified) }
    }

    /// The certificate that the other side of a connection has shown, as DER, once the handshake is over.
    package static func certificate(shownOn channel: any Channel) async -> [UInt8]? {
        try? await channel.nioSSL_peerCertificate().get()?.toDERBytes()
    }
}
