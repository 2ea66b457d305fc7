// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// Why a peer announces out of turn (BEP 3, BEP 21). A regular announce has none.
package enum AnnounceEvent: String, Hashable, Sendable, CaseIterable {
    /// The first announce of a download or of a seed.
    case started
    /// The download has just become whole. Never sent by a peer that started whole.
    case completed
    /// The peer is leaving.
    case stopped
    /// The peer only uploads although it is incomplete (BEP 21).
    case paused
}

/// What a peer tells a tracker about itself and one swarm (BEP 3, 7, 23).
package struct AnnounceRequest: Equatable, Sendable {
    /// The largest number of bytes kept of ``key``.
    package static let maximumKeyByteCount = 64

    /// The swarm.
    package var infoHash: InfoHash
    /// The name the peer gives itself.
    package var peerID: PeerID
    /// The TCP port on which the peer accepts connections; 1 to 65535.
    package var port: UInt16
    /// Payload bytes uploaded since `started`; 0 or more.
    package var uploaded: Int64
    /// Payload bytes downloaded since `started`; 0 or more.
    package var downloaded: Int64
    /// Bytes that are still missing; 0 makes the peer a seed.
    package var left: Int64
    /// Why the peer announces, or `nil` for a regular announce.
    package var event: AnnounceEvent?
    /// How many peers are wanted, or `nil` to leave it to the tracker.
    package var numberWanted: Int?
    /// Opaque bytes by which a peer is known again when its address changes; at most ``maximumKeyByteCount``.
    package var key: [UInt8]?
    /// Whether ids may be left out of the dictionary form of peers.
    package var noPeerID: Bool
    /// Whether peers are wanted in the compact form (BEP 23).
    package var compact: Bool
    /// Where the peer's host stands, or `nil` when it does not say. Drover's own parameter; other trackers pass it over.
    package var rack: RackName?

    package init(
        infoHash: InfoHash, peerID: PeerID, port: UInt16, uploaded: Int64 = 0, downloaded: Int64 = 0, left: Int64,
        event: AnnounceEvent? = nil, numberWanted: Int? = nil, key: [UInt8]? = nil, noPeerID: Bool = true,
        compact: Bool = true, rack: RackName? = nil
    ) {
        self.infoHash = infoHash
        self.peerID = peerID
        self.port = port
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.left = left
        self.event = event
        self.numberWanted = numberWanted
        self.key = key
        self.noPeerID = noPeerID
        self.compact = compact
        self.rack = rack
    }

    /// The request as an HTTP query, without a leading `?`. See ``TrackerURL/announce(query:)``.
    package var queryString: String {
        var writer = QueryWriter()
        writer.append("info_hash", infoHash.bytes)
        writer.append("peer_id", peerID.bytes)
        writer.append("port", port)
        writer.append("uploaded", uploaded)
        writer.append("downloaded", downloaded)
        writer.append("left", left)
        if let event { writer.append("event", event.rawValue.utf8) }
        if let numberWanted { writer.append("numwant", numberWanted) }
        if let key { writer.append("key", key) }
        if noPeerID { writer.append("no_peer_id", 1) }
        writer.append("compact", compact ? 1 : 0)
        if let rack { writer.append(RackName.parameter, rack.text.utf8) }
        return writer.query
    }
}
