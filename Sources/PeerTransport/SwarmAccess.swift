// SPDX-License-Identifier: Apache-2.0

package import FleetIdentity

/// Who may take part in the swarm of an image.
package enum SwarmAccess: Hashable, Sendable {
    /// Whoever knows the torrent, in plain bytes.
    case everyone
    /// The enrolled hosts of this fleet, in TLS.
    case fleet(FleetAnchor)
    /// Nobody: the torrent names an authority that cannot be read.
    case nobody

    /// - Parameter authority: the certificate that the torrent names, as PEM.
    package init(authority: String?) {
        guard let authority else {
            self = .everyone
            return
        }
        self = (try? FleetAnchor(pem: authority)).map { .fleet($0) } ?? .nobody
    }
}
