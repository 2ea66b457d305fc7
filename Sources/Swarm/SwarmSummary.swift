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
        /// Pieces it has, and those of them that are missing here.
        package let pieceCount: Int
        package let wantedCount: Int
        /// Whether it serves this side, and whether this side serves it.
        package let serves: Bool
        package let isServed: Bool
        /// In which rack it says it stands.
        package let rack: RackName?
        /// Bytes a second, smoothed over a few seconds.
        package let downloadRate: Double
        package let uploadRate: Double
    }

    package let verifiedPieces: Int
    package let peers: [Peer]
    /// Bytes a second, smoothed over a few seconds.
    package let downloadRate: Double
    package let uploadRate: Double
    /// Missing pieces, those of them that no connected peer has, and how many connected peers have the rarest of them.
    package let missingPieces: Int
    package let unavailablePieces: Int
    package let rarestCopies: Int
    /// How much of each part of the image is verified, 0 to 15.
    package let map: [UInt8]

    /// Parts of the image that ``map`` has; fewer where there are fewer pieces.
    package static let mapCells = 128
}

extension Swarm {
    /// The swarm as it stands.
    package var summary: SwarmSummary {
        let (missing, unavailable, rarest) = pieces.rarity
        return SwarmSummary(
            verifiedPieces: pieces.have.count,
            peers: peers.sorted { $0.key < $1.key }.map { id, view in
                SwarmSummary.Peer(
                    address: view.listenAddress ?? view.address, received: view.received, sent: view.sent,
                    pieceCount: view.pieces.count, wantedCount: view.wanted, serves: view.serves,
                    isServed: slots[id]?.isChoked == false, rack: view.rack, downloadRate: view.downloadRate,
                    uploadRate: view.uploadRate)
            },
            downloadRate: peers.values.reduce(0) { $0 + $1.downloadRate },
            uploadRate: peers.values.reduce(0) { $0 + $1.uploadRate },
            missingPieces: missing, unavailablePieces: unavailable, rarestCopies: rarest,
            map: pieces.have.map(cells: SwarmSummary.mapCells))
    }

    /// In which rack the peer of a connection says it stands.
    package func rack(of id: ConnectionID) -> RackName? { peers[id]?.rack }

    /// Where the peer of a connection accepts connections, or else where it connected from.
    package func address(of id: ConnectionID) -> PeerAddress? {
        peers[id].map { $0.listenAddress ?? $0.address } ?? departed.first { $0.id == id }?.address
    }
}
