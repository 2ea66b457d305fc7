// SPDX-License-Identifier: Apache-2.0

package import FleetIdentity
import FoundationEssentials
import Logging
import NIOCore
import Synchronization
import TrackerProtocol

/// What a tracker shows to those who connect with it.
package enum TrackerCertificate: Sendable {
    /// One of the fleet's authority, for these names, made anew at each start and in time before its end.
    case issued(names: [ServerName])
    /// The operator's own, with its chain, and its key, as PEM.
    case own(chain: String, key: String)
}

extension ServerName {
    /// A literal address, or a DNS name of letters, digits, `-`, `_` and dots.
    package init?(_ text: String) {
        if let address = IPAddress(parsing: text) {
            self = .address(address.unmapped.bytes)
            return
        }
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
            default: false
            }
        }
        guard isName, (1...253).contains(text.utf8.count), text.first != ".", text.first != "-" else { return nil }
        self = .dns(text.lowercased())
    }
}

/// TLS where the tracker listens, with a certificate that is renewed while it runs.
final class TrackerTLS: Sendable {
    private struct State {
        var tls: ServerTLS
        /// When to make another certificate; `nil` for the operator's own.
        var renewal: Date?
    }

    private let certificate: TrackerCertificate
    private let authority: FleetAuthority?
    private let clock: @Sendable () -> Int64
    private let logger: Logger
    private let state: Mutex<State>

    /// - Throws: ``TrackerError/noTLS(reason:)``.
    init(
        _ certificate: TrackerCertificate, authority: FleetAuthority?, clock: @escaping @Sendable () -> Int64,
        logger: Logger
    ) throws(TrackerError) {
        self.certificate = certificate
        self.authority = authority
        self.clock = clock
        self.logger = logger
        do {
            state = Mutex(try Self.state(certificate, authority, now: Date(timeIntervalSince1970: Double(clock()))))
        } catch IdentityRefusal.unreadable {
            throw .noTLS(reason: "the certificate and the key cannot be read, or do not belong together")
        } catch {
            throw .noTLS(reason: "\(error)")
        }
    }

    /// The handler for a connection that was accepted.
    func accepting() -> any ChannelHandler {
        let now = Date(timeIntervalSince1970: Double(clock()))
        return state.withLock { state in
            if let renewal = state.renewal, now >= renewal {
                do {
                    state = try Self.state(certificate, authority, now: now)
                } catch {
                    logger.warning("the tracker's certificate is not renewed", metadata: ["reason": "\(error)"])
                }
            }
            return state.tls
        }.accepting()
    }

    private static func state(
        _ certificate: TrackerCertificate, _ authority: FleetAuthority?, now: Date
    ) throws(IdentityRefusal) -> State {
        switch certificate {
        case .own(let chain, let key):
            return State(tls: try ServerTLS(chain: chain, key: key, anchor: authority?.anchor))
        case .issued(let names):
            guard let authority else { throw .missing }
            let key = IdentityKey()
            let issued = try authority.issue(
                CertificateRequest(for: key), to: .tracker, names: names, now: now)
            return State(
                tls: try ServerTLS(chain: issued.pem, key: key.pem, anchor: authority.anchor),
                renewal: issued.renewalTime)
        }
    }
}
