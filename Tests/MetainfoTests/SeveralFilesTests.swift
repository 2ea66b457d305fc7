// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TestSupport
import Testing

/// Torrents of several files: order, padding, links (BEP 47, BEP 52). No byte of a file is needed to read them.
struct SeveralFilesTests {
    private static let pieceLength: Int64 = 16384

    /// Any root will do for a file of one block.
    private static func root(_ number: UInt8) -> Bencode { .string([UInt8](repeating: number, count: 32)) }

    private static func leaf(_ length: Int64, _ number: UInt8) -> Bencode {
        .dictionary(["": .dictionary(["length": .integer(length), "pieces root": root(number)])])
    }

    private static func item(_ length: Int64, _ path: String?, attributes: String? = nil) -> Bencode {
        .dictionary([
            "attr": attributes.map { .text($0) }, "length": .integer(length),
            "path": path.map { .list($0.split(separator: "/").map { .text(String($0)) }) },
        ])
    }

    /// A hybrid of two files of one block each, with the list of files that its version 1 half gives.
    private static func hybrid(_ files: [Bencode], pieces: Int) -> [UInt8] {
        Bencode.dictionary([
            "info": .dictionary([
                "file tree": .dictionary(["a": leaf(100, 1), "b": leaf(200, 2)]), "files": .list(files),
                "meta version": .integer(2), "name": .text("set"), "piece length": .integer(pieceLength),
                "pieces": .string([UInt8](repeating: 0, count: pieces * 20)),
            ])
        ]).encoded
    }

    private static func failure(_ torrent: [UInt8]) -> MetainfoError? {
        do throws(MetainfoError) {
            _ = try TorrentFile(torrent)
            return nil
        } catch {
            return error
        }
    }

    @Test func `padding may have no path, an old name, and stand behind the last file or not`() throws {
        let gap = Self.pieceLength - 100
        let paddings = [
            Self.item(gap, nil, attributes: "p"), Self.item(gap, ".pad/\(gap)", attributes: "xp"),
            Self.item(gap, "_____padding_file_0_if you see this file, please update"),
        ]
        for padding in paddings {
            let files = [Self.item(100, "a"), padding, Self.item(200, "b")]
            let torrent = try TorrentFile(Self.hybrid(files, pieces: 2))
            #expect(torrent.namedFiles.map(\.path) == [["a"], ["b"]] && torrent.size == 300)
            #expect(torrent.namedFiles.map(\.offset) == [0, Self.pieceLength])
            let tail = files + [Self.item(Self.pieceLength - 200, ".pad/1", attributes: "p")]
            #expect(Self.failure(Self.hybrid(tail, pieces: 2)) == nil)
        }
    }

    @Test func `a hybrid whose halves differ in order, place or number is refused`() {
        let (a, b) = (Self.item(100, "a"), Self.item(200, "b"))
        let padding = Self.item(Self.pieceLength - 100, nil, attributes: "p")
        func reason(_ files: [Bencode], pieces: Int = 2) -> MetainfoError? {
            Self.failure(Self.hybrid(files, pieces: pieces))
        }
        #expect(reason([a, b], pieces: 1) == .inconsistentHybrid("files begin at different places"))
        #expect(reason([a, padding, padding, b]) != nil)
        #expect(reason([b, padding, a]) == .inconsistentHybrid("file lengths differ"))
        #expect(
            reason([Self.item(100, "A"), padding, b]) == .inconsistentHybrid("file names differ"))
        #expect(reason([a, padding], pieces: 1) == .inconsistentHybrid("they list different numbers of files"))
        #expect(reason([a, padding, b], pieces: 3) == .badPieces)
        #expect(reason([padding]) != nil && reason([]) == .missing("files"))
        #expect(reason([Self.item(.max, "a"), Self.item(.max, "b")]) == .badSize(.max))
    }

    @Test func `files come in the order of their names' bytes, component by component`() throws {
        let tree = Bencode.dictionary([
            "a": .dictionary(["b": Self.leaf(1, 1), "b.c": Self.leaf(1, 2)]), "a.txt": Self.leaf(1, 3),
            "ä": Self.leaf(1, 4),
            "empty": .dictionary(["": .dictionary(["length": .integer(0)])]),
        ])
        let torrent = try TorrentFile(Self.v2(tree))
        #expect(
            torrent.files.map { $0.path.joined(separator: "/") } == ["a/b", "a/b.c", "a.txt", "empty", "ä"])
        #expect(torrent.files.filter { $0.length > 0 }.map(\.offset) == [0, 1, 2, 3].map { $0 * Self.pieceLength })
        #expect(!torrent.isSingleFile)
    }

    @Test func `a link has no content, and names what it leads to`() throws {
        func link(_ fields: KeyValuePairs<String, Bencode?>) -> Bencode {
            .dictionary(["a": Self.leaf(1, 1), "link": .dictionary(["": .dictionary(fields)])])
        }
        let torrent = try TorrentFile(
            Self.v2(link(["attr": .text("l"), "symlink path": .list([.text("a")])])))
        #expect(torrent.files.map(\.isSymlink) == [false, true] && torrent.files.map(\.length) == [1, 0])
        #expect(Self.failure(Self.v2(link(["attr": .text("l")]))) == .missing("symlink path"))
        let long = link(["attr": .text("l"), "length": .integer(5), "symlink path": .list([.text("a")])])
        #expect(Self.failure(Self.v2(long)) == .wrongType("length"))
    }

    @Test func `more pieces than a bitfield may name are refused, over all files together`() {
        let length = Int64(PieceGeometry.maximumPieceCount / 2 + 1) * Self.pieceLength
        #expect(Self.failure(Self.v2(.dictionary(["a": Self.leaf(length, 1), "b": Self.leaf(1, 2)]))) == nil)
        #expect(
            Self.failure(Self.v2(.dictionary(["a": Self.leaf(length, 1), "b": Self.leaf(length, 2)])))
                == .tooManyPieces)
    }

    private static func v2(_ tree: Bencode) -> [UInt8] {
        Bencode.dictionary([
            "info": .dictionary([
                "file tree": tree, "meta version": .integer(2), "name": .text("set"),
                "piece length": .integer(pieceLength),
            ])
        ]).encoded
    }
}
