// SPDX-License-Identifier: Apache-2.0

/// What a master image is, down to the hash of each piece: the part of a torrent that a peer trusts everything else by.
///
/// It is made from a single-file torrent with a version 2 part whose piece layer is present and proven.
package struct Metainfo: Sendable {
    /// The torrent's advisory name; `NAME@VERSION.raw` for Drover's own.
    package let name: String
    package let geometry: PieceGeometry
    /// The root of the image's merkle tree (BEP 52).
    package let piecesRoot: SHA256Digest
    /// The hash of each piece, in order; exactly `geometry.pieceCount` of them, proven against ``piecesRoot``.
    package let pieceHashes: [SHA256Digest]
    package let infoHashes: InfoHashes
    /// The exact bytes of the `info` value.
    package let info: [UInt8]
    package let isPrivate: Bool
    /// The certificate (PEM) of the authority whose hosts alone may take part; `nil` for an open image.
    package let authority: String?
    /// Announce URLs by tier.
    package let trackers: [[String]]
    package let webSeeds: [String]

    /// The info-hash by which Drover's peers know the swarm: version 2, cut to 20 bytes (BEP 52).
    package let infoHash: InfoHash

    /// Reads a .torrent and checks that it can be fetched.
    /// - Throws: ``MetainfoError``; `.notAnImage` for a readable torrent that has several files, no version 2 part, or
    ///   no piece layer.
    package init(torrent bytes: [UInt8]) throws(MetainfoError) {
        try self.init(TorrentFile(bytes))
    }

    /// - Throws: ``MetainfoError/notAnImage(_:)``.
    package init(_ torrent: TorrentFile) throws(MetainfoError) {
        guard let v2 = torrent.infoHashes.v2 else {
            throw .notAnImage("it has only version 1 hashes; make a version 2 or hybrid torrent of it")
        }
        guard torrent.isSingleFile, let file = torrent.files.first, torrent.files.count == 1 else {
            throw .notAnImage("it holds several files; a master is exactly one image")
        }
        guard let root = file.piecesRoot,
            let geometry = PieceGeometry(size: file.length, pieceLength: Int(torrent.pieceLength))
        else { throw .badSize(file.length) }
        if geometry.pieceCount == 1 {
            pieceHashes = [root]
        } else if let hashes = torrent.pieceLayers[root] {
            pieceHashes = hashes
        } else {
            throw .notAnImage("its piece layers are missing")
        }
        name = torrent.name
        self.geometry = geometry
        piecesRoot = root
        infoHashes = torrent.infoHashes
        infoHash = InfoHash(truncating: v2)
        info = torrent.info
        isPrivate = torrent.isPrivate
        authority = torrent.authority
        trackers = torrent.trackers
        webSeeds = torrent.webSeeds
    }

    /// The hash a piece must have. A ``PieceIndex`` of another image is answered with zeros, which no data hashes to.
    package func hash(of piece: PieceIndex) -> SHA256Digest {
        // checked: the number is compared.
        piece.number < pieceHashes.count ? pieceHashes[piece.number] : .zero
    }
}
