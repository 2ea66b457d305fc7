// SPDX-License-Identifier: Apache-2.0

import Metainfo

extension FuzzTarget {
    /// A .torrent that is accepted has the geometry, hashes and info-hash it claims, and can be written again; one that
    /// lacks its piece layer can be completed.
    static let metainfo = FuzzTarget("metainfo", maximumLength: 8192) { bytes in
        guard let torrent = try? TorrentFile(bytes) else { return }
        try expect(torrent.size >= 0, "its size is \(torrent.size)")
        try expect(!torrent.files.isEmpty, "it has no files")
        for (one, next) in zip(torrent.files, torrent.files.dropFirst()) {
            try expect(next.offset - one.offset >= one.length, "files lie over each other")
        }
        if let v2 = torrent.infoHashes.v2 { try expectEqual(v2, SHA256Digest(hashing: torrent.info), "info-hash") }
        if let v1 = torrent.infoHashes.v1 { try expectEqual(v1, SHA1Digest(hashing: torrent.info), "info-hash") }
        let name = MasterName(sanitising: torrent.name)
        try expectEqual(MasterName("\(name)"), name, "the name read again")
        if let missing = MissingPieceLayer(torrent) { try check(missing, torrent) }
        guard let metainfo = try? Metainfo(torrent) else { return }
        try check(metainfo)
        try checkCompletion(metainfo, bytes)
    }

    private static func check(_ missing: MissingPieceLayer, _ torrent: TorrentFile) throws {
        let zeros = Array(repeating: SHA256Digest.zero, count: min(missing.geometry.pieceCount, 4))
        // A layer that does not fit is refused, never taken on trust.
        try expect((try? TorrentFile(missing.torrent(with: zeros))) == nil, "a layer of zeros is taken")
        let empty = try? BencodeDecoder.decode(
            missing.torrent(with: []), watching: "info",
            limits: BencodeLimits(byteCount: TorrentFile.maximumByteCount, depth: 100, valueCount: 3_000_000))
        try expect(empty != nil, "a completed torrent is not canonical")
    }

    private static func check(_ metainfo: Metainfo) throws {
        let geometry = metainfo.geometry
        try expectEqual(metainfo.pieceHashes.count, geometry.pieceCount, "number of pieces")
        let root = MerkleTree.piecesRoot(pieceHashes: metainfo.pieceHashes, geometry: geometry)
        try expectEqual(root, metainfo.piecesRoot, "pieces root")
        try expectEqual(MerkleLayers(metainfo).root, metainfo.piecesRoot, "root of the layers")
        let size = geometry.pieces.reduce(Int64(0)) { $0 + Int64(geometry.length(of: $1)) }
        try expectEqual(size, geometry.size, "length of all pieces")
        var writer = TorrentWriter(name: metainfo.name, geometry: geometry, pieceHashes: metainfo.pieceHashes)
        writer.webSeeds = metainfo.webSeeds
        guard !metainfo.name.isEmpty else { return }
        let again = try Metainfo(torrent: writer.encoded)
        try expectEqual(again.geometry, geometry, "geometry written again")
        try expectEqual(again.pieceHashes, metainfo.pieceHashes, "pieces written again")
        try expectEqual(again.webSeeds, metainfo.webSeeds, "web seeds written again")
    }

    /// Without its piece layer the torrent is the same image, and with it the same torrent.
    private static func checkCompletion(_ metainfo: Metainfo, _ bytes: [UInt8]) throws {
        guard metainfo.geometry.pieceCount > 1 else { return }
        let limits = BencodeLimits(byteCount: bytes.count, depth: 100, valueCount: 3_000_000)
        let entries = try BencodeDecoder.decode(bytes, limits: limits).entries ?? []
        let bare = Bencode.sorted(entries.filter { $0.key != Array("piece layers".utf8) }).encoded
        let missing = try unwrap(MissingPieceLayer(try TorrentFile(bare)), "without its layer nothing is missing")
        let again = try Metainfo(torrent: missing.torrent(with: metainfo.pieceHashes))
        try expectEqual(again.infoHash, metainfo.infoHash, "info-hash after completion")
        try expectEqual(again.pieceHashes, metainfo.pieceHashes, "pieces after completion")
        try expectEqual(again.trackers, metainfo.trackers, "trackers after completion")
    }
}
