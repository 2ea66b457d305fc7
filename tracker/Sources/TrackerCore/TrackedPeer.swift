// SPDX-License-Identifier: Apache-2.0

package import TrackerProtocol

/// A peer as one swarm knows it.
package struct TrackedPeer: Sendable {
    /// The address it announced from, with the port it announced.
    package let address: PeerAddress
    /// The name it gave itself last.
    package var peerID: PeerID
    /// When it is forgotten unless it announces again, as time since the registry's start.
    package var expires: Duration

    package init(address: PeerAddress, peerID: PeerID, expires: Duration) {
        self.address = address
        self.peerID = peerID
        self.expires = expires
    }
}
