// SPDX-License-Identifier: Apache-2.0

package import TrackerProtocol

/// How a peer is set up.
package struct PeerConfiguration: Sendable {
    /// The port peers listen on unless told otherwise.
    package static let defaultPort: UInt16 = 6881

    /// The store's folder.
    package var store: String
    /// Where to accept connections from other peers. When empty: every address, on ``port``.
    package var listen: [PeerAddress]
    /// The port on every address; 0 takes any that is free.
    package var port = defaultPort
    /// Trackers to announce every image to, beside those its torrent or fetch names.
    package var trackers: [TrackerURL]
    /// The networks whose hosts this peer connects with.
    package var networks = NetworkPrefix.local
    /// Whether an enrolled host takes connections without TLS from elsewhere than this machine; they reach open masters only.
    package var isOpenSwarm = false
    /// The rack in which this host stands, or `nil` when nobody said.
    package var rack: RackName?
    /// The most memory for data on its way to disk, in MiB.
    package var extentMemory = 32
    /// Where this host's orders come from; `nil` for the tracker that it is enrolled at, if it is.
    package var orders: (any OrderSource)?
    /// Where a collector may read what the peer measures, without being asked who it is; nowhere but on the control socket
    /// when `nil`.
    package var metrics: PeerAddress?
    /// How a master is probed when it is ordered.
    package var probe = HostRequest.RolloutProbe()
    /// What selectors of rollouts go by, such as rack and role.
    package var labels: [String: String] = [:]

    package init(store: String, listen: [PeerAddress] = [], trackers: [TrackerURL] = []) {
        self.store = store
        self.listen = listen
        self.trackers = trackers
    }
}
