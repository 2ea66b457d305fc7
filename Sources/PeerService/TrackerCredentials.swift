// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import TrackerProtocol

/// What an operator shows to a tracker, and who may vouch for one.
package struct TrackerCredentials: Codable, Equatable, Sendable {
    /// An operator's token.
    package var token: String?
    /// Certificates of the authorities that may vouch for trackers, as PEM, in the place of the system's.
    package var authorities: String?
    /// That of the authority of the fleet in which this host is enrolled, as PEM, which may vouch for them as well.
    package var fleetAuthority: String?

    package init(token: String? = nil, authorities: String? = nil, fleetAuthority: String? = nil) {
        self.token = token
        self.authorities = authorities
        self.fleetAuthority = fleetAuthority
    }

    /// Whether a text can be used for ``authorities``.
    package static func areAuthorities(_ pem: String) -> Bool { ClientTLS.areAuthorities(pem) }
}

extension TrackerURL {
    var isSecure: Bool { base.hasPrefix("https://") }

    /// Whether it is on this machine: then nobody listens in who could not look into this process.
    var isLocal: Bool {
        let authority = base.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).last ?? ""
        let place = authority.prefix { $0 != "/" }
        let name =
            place.hasPrefix("[") ? place.dropFirst().prefix { $0 != "]" } : place.prefix { $0 != ":" }
        return name == "localhost" || IPAddress(parsing: name)?.unmapped.isLoopback == true
    }
}
