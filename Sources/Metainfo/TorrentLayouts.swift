// SPDX-License-Identifier: Apache-2.0

/// The version 1 half of an `info` dictionary (BEP 3, BEP 47).
struct V1Layout {
    let files: [TorrentFile.Entry]
    let isSingleFile: Bool
    let pieces: [UInt8]

    /// - Returns: `nil` when the dictionary has no version 1 half at all.
    init?(_ info: Bencode, name: String, pieceLength: Int64) throws(MetainfoError) {
        guard let pieces = info["pieces"] else {
            guard info["length"] == nil, info["files"] == nil else { throw .missing("pieces") }
            return nil
        }
        guard let hashes = pieces.bytes else { throw .wrongType("pieces") }
        self.pieces = hashes
        if let length = info["length"] {
            guard info["files"] == nil else { throw .badFileTree("it has both 'length' and 'files'") }
            guard let length = length.integer, length >= 0 else { throw .wrongType("length") }
            files = [TorrentFile.Entry(path: [name], length: length, piecesRoot: nil, isPadding: false)]
            isSingleFile = true
        } else {
            guard let list = info["files"]?.list, !list.isEmpty else { throw .missing("files") }
            files = try Self.entries(list)
            isSingleFile = false
        }
        var total: Int64 = 0
        for file in files {
            let (sum, overflow) = total.addingReportingOverflow(file.length)
            guard !overflow else { throw .badSize(file.length) }
            total = sum
        }
        guard total > 0 else { throw .badSize(total) }
        let count = (total - 1) / pieceLength + 1
        guard count <= Int64(PieceGeometry.maximumPieceCount) else { throw .tooManyPieces }
        guard hashes.count == Int(count) * SHA1Digest.byteCount else { throw .badPieces }
    }

    private static func entries(_ list: [Bencode]) throws(MetainfoError) -> [TorrentFile.Entry] {
        var files: [TorrentFile.Entry] = []
        for value in list {
            guard let length = value["length"]?.integer, length >= 0 else { throw .wrongType("length") }
            let isPadding = value["attr"]?.text?.contains("p") ?? false
            var path: [String] = []
            for part in value["path"]?.list ?? [] {
                guard let bytes = part.bytes else { throw .wrongType("path") }
                path.append(String(decoding: bytes, as: UTF8.self))
            }
            // Some writers leave the path of padding out (BEP 47).
            guard isPadding || !path.isEmpty else { throw .missing("path") }
            files.append(TorrentFile.Entry(path: path, length: length, piecesRoot: nil, isPadding: isPadding))
        }
        return files
    }
}

/// The version 2 half of an `info` dictionary: its file tree (BEP 52).
struct V2Layout {
    private(set) var files: [TorrentFile.Entry] = []
    let isSingleFile: Bool

    init(_ info: Bencode, pieceLength: Int64) throws(MetainfoError) {
        guard PieceGeometry.isValid(pieceLength: Int(pieceLength)) else { throw .badPieceLength(pieceLength) }
        guard let tree = info["file tree"] else { throw .missing("file tree") }
        guard let entries = tree.entries, !entries.isEmpty else { throw .wrongType("file tree") }
        isSingleFile = entries.count == 1 && entries.first?.value.entries?.first?.key.isEmpty == true
        try walk(entries, below: [])
        for file in files where file.length > 0 {
            guard PieceGeometry(size: file.length, pieceLength: Int(pieceLength)) != nil else { throw .tooManyPieces }
        }
        var total: Int64 = 0
        for file in files {
            let (sum, overflow) = total.addingReportingOverflow(file.length)
            guard !overflow else { throw .badSize(file.length) }
            total = sum
        }
        guard total > 0 else { throw .badSize(total) }
    }

    private mutating func walk(_ entries: [Bencode.Entry], below parents: [String]) throws(MetainfoError) {
        for entry in entries {
            guard !entry.key.isEmpty else { throw .badFileTree("a name is empty") }
            let path = parents + [String(decoding: entry.key, as: UTF8.self)]
            guard let children = entry.value.entries, let first = children.first else {
                throw .badFileTree("'\(path.joined(separator: "/"))' is neither a file nor a folder with content")
            }
            guard first.key.isEmpty else {
                try walk(children, below: path)
                continue
            }
            guard children.count == 1 else { throw .badFileTree("a file has children") }
            files.append(try Self.file(first.value, path: path))
        }
    }

    private static func file(_ value: Bencode, path: [String]) throws(MetainfoError) -> TorrentFile.Entry {
        if value["attr"]?.text?.contains("p") == true { throw .badFileTree("it holds a padding file") }
        guard let length = value["length"]?.integer, length >= 0 else { throw .wrongType("length") }
        guard length > 0 else {
            guard value["pieces root"] == nil else { throw .badFileTree("an empty file has a pieces root") }
            return TorrentFile.Entry(path: path, length: 0, piecesRoot: nil, isPadding: false)
        }
        guard let bytes = value["pieces root"]?.bytes, let root = SHA256Digest(bytes), root != .zero else {
            throw .badFileTree("a file's pieces root is missing or not 32 bytes")
        }
        return TorrentFile.Entry(path: path, length: length, piecesRoot: root, isPadding: false)
    }
}
