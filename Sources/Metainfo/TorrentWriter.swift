// SPDX-License-Identifier: Apache-2.0

/// Writes the .torrent of one image: version 2, or hybrid when version 1 piece hashes are given (BEP 52, BEP 3).
package struct TorrentWriter: Sendable {
    /// The torrent's name and the image's file name; `NAME@VERSION.raw` for a master.
    package var name: String
    package var geometry: PieceGeometry
    /// One hash per piece, in order.
    package var pieceHashes: [SHA256Digest]
    /// SHA-1 of every piece, concatenated; makes the torrent hybrid. A single file needs no padding (BEP 47).
    package var v1Pieces: [UInt8]?
    /// Announce URLs; each becomes a tier of its own.
    package var trackers: [String]
    /// URLs at which an HTTP server has the image (BEP 19).
    package var webSeeds: [String]
    /// The certificate (PEM) of the authority whose hosts alone may take part, when only they may (libtorrent's `ssl-cert`).
    package var authority: String?

    package init(
        name: String, geometry: PieceGeometry, pieceHashes: [SHA256Digest], v1Pieces: [UInt8]? = nil,
        trackers: [String] = [], webSeeds: [String] = [], authority: String? = nil
    ) {
        self.name = name
        self.geometry = geometry
        self.pieceHashes = pieceHashes
        self.v1Pieces = v1Pieces
        self.trackers = trackers
        self.webSeeds = webSeeds
        self.authority = authority
    }

    /// The whole .torrent file. The same input always gives the same bytes: there is no date in it.
    package var encoded: [UInt8] {
        let root = MerkleTree.piecesRoot(pieceHashes: pieceHashes, geometry: geometry)
        let layers: [Bencode.Entry] =
            geometry.pieceCount > 1
            ? [Bencode.Entry(key: root.bytes, value: .string(pieceHashes.flatMap(\.bytes)))] : []
        return Bencode.dictionary([
            "announce": trackers.first.map { .text($0) },
            "announce-list": trackers.count > 1 ? .list(trackers.map { .list([.text($0)]) }) : nil,
            "created by": .text("drover"),
            "info": info(root: root),
            "piece layers": .sorted(layers),
            "url-list": webSeeds.isEmpty ? nil : .list(webSeeds.map { .text($0) }),
        ]).encoded
    }

    private func info(root: SHA256Digest) -> Bencode {
        let file = Bencode.dictionary([
            "length": .integer(geometry.size),
            "pieces root": .string(root.bytes),
        ])
        let leaf = Bencode.sorted([Bencode.Entry(key: [], value: file)])
        return .dictionary([
            "file tree": .sorted([Bencode.Entry(key: Array(name.utf8), value: leaf)]),
            "length": v1Pieces.map { _ in .integer(geometry.size) },
            "meta version": .integer(2),
            "name": .text(name),
            "piece length": .integer(Int64(geometry.pieceLength)),
            "pieces": v1Pieces.map { .string($0) },
            "ssl-cert": authority.map { .text($0) },
        ])
    }
}
