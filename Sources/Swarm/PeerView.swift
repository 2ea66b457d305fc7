// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TrackerProtocol

/// What the swarm knows of one connected peer.
struct PeerView: Sendable {
    let peerID: PeerID
    let address: PeerAddress
    let initiatedHere: Bool
    var listenPort: UInt16?
    var pieces: Bitfield
    /// The peer has said that it will not fetch anything (BEP 21).
    var isUploadOnly = false
    /// What the peer, which has everything, suggests to come for, and how long it is asked for that alone.
    var suggested: Bitfield
    /// Whether it has suggested anything since the connection began, and so wants to hear what is passed on.
    var suggests = false
    var guidedUntil = Duration.zero
    /// How many of the peer's pieces this side lacks.
    var wanted = 0
    /// Whether this side has said that it is interested.
    var isWanted = false
    /// Whether the peer serves this side.
    var serves = false
    /// In which rack it says it stands.
    var rack: RackName?
    /// Whether that is another one than this side's, or this side's. Neither where one of them names none.
    var isForeign = false
    var isNear = false
    /// Whether it was told that this side fetches from other racks.
    var isToldOfImports = false
    /// The blocks the session has room for, while it waits for work; 0 when it does not.
    var hunger = 0
    /// Since when there was less to ask the peer for than it could give that would not burden it, or the way from another rack,
    /// twice; how long that is put up with; and until when that does not matter.
    var sparedSince: Duration?
    var patience = Duration.zero
    var unsparedUntil = Duration.zero
    /// Bytes of blocks, both ways.
    var received: Int64 = 0
    var sent: Int64 = 0
    /// When a block was last carried, or wanted.
    var usefulAt: Duration
    /// Smoothed bytes a second.
    var downloadRate = 0.0
    var uploadRate = 0.0
    let connectedAt: Duration
    private var measuredAt: Duration
    private var receivedBefore: Int64 = 0
    private var sentBefore: Int64 = 0

    init(peerID: PeerID, address: PeerAddress, initiatedHere: Bool, pieceCount: Int, at now: Duration) {
        self.peerID = peerID
        self.address = address
        self.initiatedHere = initiatedHere
        pieces = Bitfield(pieceCount: pieceCount)
        suggested = pieces
        connectedAt = now
        usefulAt = now
        measuredAt = now
    }

    /// Where the peer accepts connections, as far as it is known.
    var listenAddress: PeerAddress? {
        initiatedHere ? address : listenPort.map { PeerAddress(host: address.host, port: $0) }
    }

    mutating func measure(at now: Duration) {
        let elapsed = (now - measuredAt).seconds
        guard elapsed >= 0.4 else { return }
        downloadRate = downloadRate * 0.6 + Double(received - receivedBefore) / elapsed * 0.4
        uploadRate = uploadRate * 0.6 + Double(sent - sentBefore) / elapsed * 0.4
        (measuredAt, receivedBefore, sentBefore) = (now, received, sent)
    }
}
