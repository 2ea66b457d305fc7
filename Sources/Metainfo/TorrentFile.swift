// SPDX-License-Identifier: Apache-2.0

/// A .torrent file, read strictly: version 1, version 2 or hybrid, one file or several (BEP 3, 12, 19, 27, 47, 52).
///
/// It says what the torrent describes. Whether that can be fetched as a master is ``Metainfo``'s question.
package struct TorrentFile: Sendable {
    /// One file's place in the torrent.
    package struct Entry: Equatable, Sendable {
        /// The path below the torrent's name; for a single-file torrent the file's own name. Never used as a path.
        package let path: [String]
        /// Length in bytes; 0 or more.
        package let length: Int64
        /// The root of the file's merkle tree; absent for empty files and in version 1 torrents.
        package let piecesRoot: SHA256Digest?
        /// Whether the file only aligns the next one to a piece (BEP 47).
        package let isPadding: Bool
        /// Whether it only names another file of the torrent (BEP 47); then it is empty.
        package let isSymlink: Bool
        /// Where it begins in the piece space, in bytes.
        package internal(set) var offset: Int64 = 0

        init(
            path: [String], length: Int64, piecesRoot: SHA256Digest? = nil, isPadding: Bool = false,
            isSymlink: Bool = false
        ) {
            self.path = path
            self.length = length
            self.piecesRoot = piecesRoot
            self.isPadding = isPadding
            self.isSymlink = isSymlink
        }
    }

    /// The longest .torrent accepted, in bytes: room for the piece layers of the largest image and a megabyte beside.
    package static let maximumByteCount = PieceGeometry.maximumPieceCount * SHA256Digest.byteCount + (1 << 20)

    /// The advisory name, as the torrent says it; bytes that are not UTF-8 are replaced.
    package let name: String
    /// The files in the order of the piece space, padding included.
    package let files: [Entry]
    /// Whether the torrent describes one file rather than a folder.
    package let isSingleFile: Bool
    /// Length of a piece in bytes; a power of two from 16 KiB when there is a version 2 part.
    package let pieceLength: Int64
    package let infoHashes: InfoHashes
    /// The exact bytes of the `info` value, which the info-hashes are over.
    package let info: [UInt8]
    /// Whether peers may be learnt from trackers only (BEP 27).
    package let isPrivate: Bool
    /// The certificate (PEM) whose holders alone may take part, when there is one: libtorrent's SSL torrents.
    package let authority: String?
    /// Announce URLs by tier, best tier first (BEP 12).
    package let trackers: [[String]]
    /// Web seeds (BEP 19).
    package let webSeeds: [String]
    /// Version 1 piece hashes, 20 bytes each; absent without a version 1 part.
    package let v1Pieces: [UInt8]?
    /// The concatenated piece hashes by the root they belong to. Each has been reduced to that root.
    package let pieceLayers: [SHA256Digest: [SHA256Digest]]

    /// The files that have a name to be shown by: all but padding.
    package var namedFiles: [Entry] { files.filter { !$0.isPadding } }

    /// The content's size in bytes, padding not counted.
    package var size: Int64 {
        // checked: both layouts have added their files up without overflow.
        files.reduce(0) { $1.isPadding ? $0 : $0 + $1.length }
    }

    /// Reads a .torrent.
    /// - Throws: ``MetainfoError`` for the first violation found.
    package init(_ bytes: [UInt8]) throws(MetainfoError) {
        let root: Bencode
        let span: Range<Int>?
        do {
            let limits = BencodeLimits(byteCount: Self.maximumByteCount, depth: 100, valueCount: 3_000_000)
            (root, span) = try BencodeDecoder.decode(bytes, watching: "info", limits: limits)
        } catch {
            throw .notBencoded(error)
        }
        guard root.entries != nil else { throw .wrongType("torrent") }
        guard let dictionary = root["info"], let span else { throw .missing("info") }
        guard dictionary.entries != nil else { throw .wrongType("info") }
        // checked: the decoder found the span in these bytes.
        info = Array(bytes[span])

        let version = try Self.metaVersion(dictionary)
        guard let rawName = dictionary["name"] else { throw .missing("name") }
        guard let nameBytes = rawName.bytes else { throw .wrongType("name") }
        name = String(decoding: nameBytes, as: UTF8.self)
        guard let length = dictionary["piece length"]?.integer else { throw .missing("piece length") }
        guard length > 0, length <= Int64(PieceGeometry.maximumPieceLength) else { throw .badPieceLength(length) }
        pieceLength = length
        isPrivate = dictionary["private"]?.integer == 1
        // One that is no text would else pass for an open torrent.
        guard dictionary["ssl-cert"] == nil || dictionary["ssl-cert"]?.text != nil else { throw .wrongType("ssl-cert") }
        authority = dictionary["ssl-cert"]?.text

        let v1 = try V1Layout(dictionary, name: name, pieceLength: length)
        let v2 = version == 2 ? try V2Layout(dictionary, pieceLength: length) : nil
        if version == nil, v1 == nil { throw .missing("pieces") }
        v1Pieces = v1?.pieces
        infoHashes = InfoHashes(
            v1: v1 == nil ? nil : SHA1Digest(hashing: info), v2: v2 == nil ? nil : SHA256Digest(hashing: info))
        if let v2 {
            files = v2.files
            isSingleFile = v2.isSingleFile && (v1?.isSingleFile ?? true)
            pieceLayers = try Self.layers(root["piece layers"], files: v2.files, pieceLength: length)
            if let v1 { try Self.check(v1, against: v2) }
        } else {
            files = v1?.files ?? []
            isSingleFile = v1?.isSingleFile ?? false
            pieceLayers = [:]
        }
        trackers = Self.trackers(root)
        webSeeds = root["url-list"]?.list?.compactMap(\.text) ?? root["url-list"]?.text.map { [$0] } ?? []
    }

    private static func metaVersion(_ info: Bencode) throws(MetainfoError) -> Int64? {
        guard let value = info["meta version"] else { return nil }
        guard let version = value.integer else { throw .wrongType("meta version") }
        guard version <= 2 else { throw .newerMetaVersion(version) }
        return version == 2 ? 2 : nil
    }

    /// Every layer must belong to a file, have the file's number of pieces, and reduce to the file's root. A file
    /// longer than a piece whose layer is missing is left out here: only fetching it needs the layer.
    private static func layers(
        _ value: Bencode?, files: [Entry], pieceLength: Int64
    ) throws(MetainfoError) -> [SHA256Digest: [SHA256Digest]] {
        guard let value else { return [:] }
        guard let entries = value.entries else { throw .wrongType("piece layers") }
        var geometries: [SHA256Digest: PieceGeometry] = [:]
        for file in files {
            guard let root = file.piecesRoot, file.length > pieceLength else { continue }
            // checked: a dictionary.
            geometries[root] = PieceGeometry(size: file.length, pieceLength: Int(pieceLength))
        }
        var layers: [SHA256Digest: [SHA256Digest]] = [:]
        for entry in entries {
            guard let root = SHA256Digest(entry.key), let geometry = geometries[root] else {
                throw .badPieceLayers("a layer belongs to no file")
            }
            guard let bytes = entry.value.bytes, bytes.count == geometry.pieceCount * SHA256Digest.byteCount else {
                throw .badPieceLayers("a layer's length does not fit its file")
            }
            // checked: the guard above: a whole number of digests.
            let hashes = stride(from: 0, to: bytes.count, by: SHA256Digest.byteCount).compactMap {
                SHA256Digest(bytes[$0..<$0 + SHA256Digest.byteCount])
            }
            guard MerkleTree.piecesRoot(pieceHashes: hashes, geometry: geometry) == root else {
                throw .badPieceLayers("a layer does not hash to its file's root")
            }
            // checked: a dictionary.
            layers[root] = hashes
        }
        return layers
    }

    /// Both halves must describe the same bytes at the same places. Empty files have no place, and the padding behind the
    /// last file may be there or not.
    private static func check(_ v1: V1Layout, against v2: V2Layout) throws(MetainfoError) {
        let left = v1.files.filter { !$0.isPadding && $0.length > 0 }
        let right = v2.files.filter { $0.length > 0 }
        guard left.count == right.count else { throw .inconsistentHybrid("they list different numbers of files") }
        for (one, other) in zip(left, right) {
            guard one.length == other.length else { throw .inconsistentHybrid("file lengths differ") }
            guard one.path == other.path else { throw .inconsistentHybrid("file names differ") }
            guard one.offset == other.offset else { throw .inconsistentHybrid("files begin at different places") }
        }
    }

    private static func trackers(_ root: Bencode) -> [[String]] {
        let tiers = root["announce-list"]?.list?.map { $0.list?.compactMap(\.text) ?? [] }.filter { !$0.isEmpty } ?? []
        if !tiers.isEmpty { return tiers }
        return root["announce"]?.text.map { [[$0]] } ?? []
    }
}
