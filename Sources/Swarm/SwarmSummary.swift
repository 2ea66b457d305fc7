// SPDX-License-Identifier: Apache-2.0

import Metainfo
package import TrackerProtocol

/// A picture of one image's swarm for people and programs.
package struct SwarmSummary: Equatable, Sendable {
    /// One connected peer.
    package struct Peer: Equatable, Sendable {
        /// Where the peer accepts connections, or else where it connected from.
        package let address: PeerAddress
        /// Bytes of blocks received from it and sent to it on this connection.
        package let received: Int64
        package let sent: Int64
        /// Pieces it has.
        package let pieceCount: Int
    }

    package let verifiedPieces: Int
    package let peers: [Peer]
    /// Bytes a second, smoothed over a few seconds.
    package let downloadRate: Double
    package let uploadRate: Double
}

extension Swarm {
    /// The swarm as it stands.
    package var summary: SwarmSummary {
        SwarmSummary(
            verifiedPieces: pieces.have.count,
            peers: peers.sorted { $0.key < $1.key }.map { _, view in
                SwarmSummary.Peer(
                    address: view.listenAddress ?? view.address, received: view.received, sent: view.sent,
                    pieceCount: view.pieces.count)
            },
            downloadRate: peers.values.reduce(0) { $0 + $1.downloadRate },
            uploadRate: peers.values.reduce(0) { $0 + $1.uploadRate })
    }

    /// Where the peer of a connection accepts connections, or else where it connected from.
    package func address(of id: ConnectionID) -> PeerAddress? {
        peers[id].map { $0.listenAddress ?? $0.address } ?? departed.first { $0.id == id }?.address
    }
}
