// SPDX-License-Identifier: Apache-2.0

package import FleetIdentity
import FoundationEssentials
package import OperatorAccess
package import TrackerCore
package import TrackerProtocol
package import Trust

/// Everything an operator decides about a tracker, and its bounds.
package struct TrackerConfiguration: Sendable {
    /// Where to listen; port 0 takes any free port. `[::]` takes IPv4 connections too.
    package var listen: [PeerAddress]
    /// Where to take announces over UDP; port 0 takes any free port. `[::]` takes IPv4 datagrams too.
    package var datagrams: [PeerAddress]
    /// Where to take announces, scrapes and questions about health over HTTP without TLS, and nothing else.
    package var plainAnnounces: [PeerAddress] = []
    /// What the tracker shows where it listens; without it it speaks plain HTTP there.
    package var certificate: TrackerCertificate?
    /// Whom it is for.
    package var access = TrackerAccess.open
    /// The publishers whose words are passed on; anybody's when `nil`, and hosts judge.
    package var trustRoot: TrustRoot?
    /// The fleet's authority, whose certificates hosts get here; `nil` where there is no fleet.
    package var authority: FleetAuthority?
    /// How many swarms and peers are remembered.
    package var swarms = TrackerLimits()
    /// What one HTTP request may cost.
    package var requests = RequestLimits()

    /// When the certificates end that nobody renews by itself.
    var ends: [(String, Date)] {
        var ends: [(String, Date)] = []
        if let authority { ends.append(("authority", authority.anchor.validUntil)) }
        if case .own(let chain, _) = certificate, let end = ServerTLS.validUntil(chain: chain) {
            ends.append(("server", end))
        }
        return ends
    }

    package init(listen: [PeerAddress], datagrams: [PeerAddress] = []) {
        self.listen = listen
        self.datagrams = datagrams
    }
}
