// SPDX-License-Identifier: Apache-2.0

/// An image whose .torrent lacks the piece layer: all that is needed to ask peers for it and to prove what they say
/// (BEP 52).
package struct MissingPieceLayer: Sendable {
    package let geometry: PieceGeometry
    /// The root that the layer must lead to.
    package let piecesRoot: SHA256Digest
    /// The swarm to ask in.
    package let infoHash: InfoHash
    /// The certificate (PEM) of the authority whose hosts alone may take part; `nil` for an open image.
    package let authority: String?
    /// Announce URLs by tier.
    package let trackers: [[String]]
    private let info: [UInt8]
    private let webSeeds: [String]

    /// - Returns: `nil` for a torrent that lacks nothing, or more than this.
    package init?(_ torrent: TorrentFile) {
        guard let hash = torrent.infoHashes.v2, torrent.isSingleFile, torrent.files.count == 1,
            let file = torrent.files.first, let root = file.piecesRoot, torrent.pieceLayers[root] == nil,
            let geometry = PieceGeometry(size: file.length, pieceLength: Int(torrent.pieceLength)),
            geometry.pieceCount > 1
        else { return nil }
        self.geometry = geometry
        piecesRoot = root
        infoHash = InfoHash(truncating: hash)
        authority = torrent.authority
        trackers = torrent.trackers
        info = torrent.info
        webSeeds = torrent.webSeeds
    }

    /// The .torrent with the layer in it; its `info` and so its info-hash stay what they are.
    /// - Parameter layer: the hash of each piece, in order.
    package func torrent(with layer: [SHA256Digest]) -> [UInt8] {
        let layers = Bencode.sorted([Bencode.Entry(key: piecesRoot.bytes, value: .string(layer.flatMap(\.bytes)))])
        let tiers = Bencode.list(trackers.map { .list($0.map { .text($0) }) })
        // The keys stand in the order that BEP 3 demands; `info` is copied, since encoding it anew might change it.
        var bytes = Array("d".utf8)
        func add(_ key: String, _ value: [UInt8]) { bytes += Bencode.text(key).encoded + value }
        if !trackers.isEmpty { add("announce-list", tiers.encoded) }
        add("info", info)
        add("piece layers", layers.encoded)
        if !webSeeds.isEmpty { add("url-list", Bencode.list(webSeeds.map { .text($0) }).encoded) }
        return bytes + Array("e".utf8)
    }
}
