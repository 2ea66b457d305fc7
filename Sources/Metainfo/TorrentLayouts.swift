// SPDX-License-Identifier: Apache-2.0

/// The version 1 half of an `info` dictionary (BEP 3, BEP 47).
struct V1Layout {
    private(set) var files: [TorrentFile.Entry]
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
            files = [TorrentFile.Entry(path: [name], length: length)]
            isSingleFile = true
        } else {
            guard let list = info["files"]?.list, !list.isEmpty else { throw .missing("files") }
            files = try Self.entries(list)
            isSingleFile = false
        }
        // Padding takes part: version 1 pieces run over everything, one file after another.
        let total = try TorrentFile.Entry.place(&files, alignment: 1)
        guard files.contains(where: { !$0.isPadding && $0.length > 0 }) else { throw .badSize(0) }
        // checked: something has a length, so the total is positive, and so is the piece length, by the caller.
        let count = (total - 1) / pieceLength + 1
        guard count <= Int64(PieceGeometry.maximumPieceCount) else { throw .tooManyPieces }
        guard hashes.count == Int(count) * SHA1Digest.byteCount else { throw .badPieces }
    }

    private static func entries(_ list: [Bencode]) throws(MetainfoError) -> [TorrentFile.Entry] {
        var files: [TorrentFile.Entry] = []
        for value in list {
            var path: [String] = []
            for part in value["path"]?.list ?? [] {
                guard let bytes = part.bytes, !bytes.isEmpty else { throw .wrongType("path") }
                path.append(String(decoding: bytes, as: UTF8.self))
            }
            let attributes = try FileAttributes(value)
            // BitComet padded before there was an attribute for it.
            let isPadding = attributes.isPadding || path.last?.hasPrefix("_____padding_file_") == true
            // Some writers leave the path of padding out (BEP 47).
            guard isPadding || !path.isEmpty else { throw .missing("path") }
            files.append(
                TorrentFile.Entry(
                    path: path, length: attributes.length, isPadding: isPadding, isSymlink: attributes.isSymlink))
        }
        return files
    }
}

/// What BEP 47 says of a file in either half: padding, or a symbolic link, which has no content.
private struct FileAttributes {
    let length: Int64
    let isPadding: Bool
    let isSymlink: Bool

    init(_ value: Bencode) throws(MetainfoError) {
        let letters = value["attr"]?.bytes ?? []
        isPadding = letters.contains(UInt8(ascii: "p"))
        isSymlink = letters.contains(UInt8(ascii: "l"))
        if isSymlink {
            guard value["symlink path"]?.list?.isEmpty == false else { throw .missing("symlink path") }
            guard (value["length"]?.integer ?? 0) == 0 else { throw .wrongType("length") }
            length = 0
        } else {
            guard let length = value["length"]?.integer, length >= 0 else { throw .wrongType("length") }
            self.length = length
        }
    }
}

/// The version 2 half of an `info` dictionary: its file tree (BEP 52).
struct V2Layout {
    /// The most names in all paths together. A tree names each folder once, and the paths of what is in it repeat it.
    static let maximumNameCount = 1 << 20

    private(set) var files: [TorrentFile.Entry] = []
    let isSingleFile: Bool
    private var nameCount = 0

    init(_ info: Bencode, pieceLength: Int64) throws(MetainfoError) {
        guard PieceGeometry.isValid(pieceLength: Int(pieceLength)) else { throw .badPieceLength(pieceLength) }
        guard let tree = info["file tree"] else { throw .missing("file tree") }
        guard let entries = tree.entries, !entries.isEmpty else { throw .wrongType("file tree") }
        isSingleFile = entries.count == 1 && entries.first?.value.entries?.first?.key.isEmpty == true
        try walk(entries, below: [])
        // Every file begins a piece of its own (BEP 52).
        let total = try TorrentFile.Entry.place(&files, alignment: pieceLength)
        guard files.contains(where: { $0.length > 0 }) else { throw .badSize(0) }
        // checked: something has a length, so the total is positive, and so is the piece length, by the first line.
        guard (total - 1) / pieceLength < Int64(PieceGeometry.maximumPieceCount) else { throw .tooManyPieces }
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
            nameCount += path.count
            guard nameCount <= Self.maximumNameCount else { throw .badFileTree("its paths are too long") }
            files.append(try Self.file(first.value, path: path))
        }
    }

    private static func file(_ value: Bencode, path: [String]) throws(MetainfoError) -> TorrentFile.Entry {
        let attributes = try FileAttributes(value)
        if attributes.isPadding { throw .badFileTree("it holds a padding file") }
        guard attributes.length > 0 else {
            guard value["pieces root"] == nil else { throw .badFileTree("an empty file has a pieces root") }
            return TorrentFile.Entry(path: path, length: 0, isSymlink: attributes.isSymlink)
        }
        guard let bytes = value["pieces root"]?.bytes, let root = SHA256Digest(bytes), root != .zero else {
            throw .badFileTree("a file's pieces root is missing or not 32 bytes")
        }
        return TorrentFile.Entry(path: path, length: attributes.length, piecesRoot: root)
    }
}

extension TorrentFile.Entry {
    /// Gives each file its place in the piece space: one after another, those with content at multiples of `alignment`.
    /// - Returns: where the last one ends.
    /// - Throws: ``MetainfoError/badSize(_:)`` when that is beyond what can be counted.
    fileprivate static func place(_ files: inout [Self], alignment: Int64) throws(MetainfoError) -> Int64 {
        var end: Int64 = 0
        for index in files.indices {
            // checked: an index of these files, and an alignment that is positive.
            let length = files[index].length
            let gap = length > 0 ? (alignment - end % alignment) % alignment : 0
            let (start, isTooFar) = end.addingReportingOverflow(gap)
            let (next, isTooLong) = start.addingReportingOverflow(length)
            guard !isTooFar, !isTooLong else { throw .badSize(length) }
            files[index].offset = start
            end = next
        }
        return end
    }
}
