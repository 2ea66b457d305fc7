// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TestSupport
import Testing

struct TorrentFileTests {
    /// A valid hybrid torrent's parts, for spoiling one at a time.
    private struct Parts {
        var top: [String: Bencode]
        var info: [String: Bencode]

        init(size: Int = 40_000, pieceLength: Int = 16384) throws {
            let torrent = try TestImage(size: size, pieceLength: pieceLength).torrent(hybrid: true)
            let root = try BencodeDecoder.decode(
                torrent, limits: BencodeLimits(byteCount: 1 << 20, valueCount: 1000))
            top = Self.fields(root)
            info = Self.fields(try #require(root["info"]))
        }

        private static func fields(_ value: Bencode) -> [String: Bencode] {
            var fields: [String: Bencode] = [:]
            for entry in value.entries ?? [] { fields[String(decoding: entry.key, as: UTF8.self)] = entry.value }
            return fields
        }

        private static func dictionary(_ fields: [String: Bencode]) -> Bencode {
            .sorted(fields.map { Bencode.Entry(key: Array($0.key.utf8), value: $0.value) })
        }

        var encoded: [UInt8] {
            var top = top
            top["info"] = Self.dictionary(info)
            return Self.dictionary(top).encoded
        }

        var failure: MetainfoError? {
            do throws(MetainfoError) {
                _ = try Metainfo(torrent: encoded)
                return nil
            } catch {
                return error
            }
        }

        func failure(_ spoil: (inout Parts) -> Void) -> MetainfoError? {
            var copy = self
            spoil(&copy)
            return copy.failure
        }
    }

    private static func tree(_ name: String, _ file: KeyValuePairs<String, Bencode?>) -> Bencode {
        .dictionary([name: .dictionary(["": .dictionary(file)])])
    }

    @Test func `a small torrent has the hashes that libtorrent computed`() throws {
        // The image is the bytes 0, 1, … 250, 0, 1, … ; the hashes were read from libtorrent 2.0.8.
        let bytes = (0..<40_000).map { UInt8($0 % 251) }
        let geometry = try #require(PieceGeometry(size: 40_000, pieceLength: 16384))
        let hashes = bytes.withUnsafeBytes { MerkleTree.leaves(of: $0) }
        let v1 = stride(from: 0, to: 40_000, by: 16384).flatMap {
            SHA1Digest(hashing: Array(bytes[$0..<min($0 + 16384, 40_000)])).bytes
        }
        let hybrid = try Metainfo(
            torrent: TorrentWriter(name: "vector@1.raw", geometry: geometry, pieceHashes: hashes, v1Pieces: v1).encoded)
        #expect(hybrid.piecesRoot.hex == "ab671631a9fa97a1fdac651fff6c68773b9acf0735b9c7f6ecdd54cbf1bf5dc2")
        #expect(hybrid.infoHashes.v1?.hex == "935a83eea39971835a9006cf63cb2913c951792b")
        #expect(hybrid.infoHashes.v2?.hex == "d905337a5936a19001698f65c6be27c4b519b6c2e685e8a36c5558953c2f51c6")
        #expect(
            hybrid.infoHash.description
                == String("d905337a5936a19001698f65c6be27c4b519b6c2e685e8a36c5558953c2f51c6".prefix(40)))
        let plain = try Metainfo(
            torrent: TorrentWriter(name: "vector@1.raw", geometry: geometry, pieceHashes: hashes).encoded)
        #expect(plain.infoHashes.v1 == nil)
        #expect(plain.infoHashes.v2?.hex == "5c5bbfa5cf4d1a3d3dddd7417b809a73c549502267d0e3948345a516adfefcf5")
        #expect(
            plain.pieceHashes.map(\.hex) == [
                "4348e3b98e8a327b34ced39c1da9e67cdb4cd5e48e4d7960607a3ae403d35f0c",
                "f7c9045c2a79a8a2a587efbf5b310652685b292e6fbb0b08c1df857500da2699",
                "8ec99c0fa906ccb81a4c7b869839283e273b596b824b31007f6649d31281db63",
            ])
    }

    @Test func `the writer's bytes are as specified`() throws {
        let geometry = try #require(PieceGeometry(size: 1, pieceLength: 16384))
        let hash = SHA256Digest(hashing: [0])
        let writer = TorrentWriter(
            name: "x@1.raw", geometry: geometry, pieceHashes: [hash],
            trackers: ["http://a/announce", "http://b/announce"])
        let front = """
            d8:announce17:http://a/announce13:announce-listll17:http://a/announceel17:http://b/announceee\
            10:created by6:drover4:infod9:file treed7:x@1.rawd0:d6:lengthi1e11:pieces root32:
            """
        let back = "eee12:meta versioni2e4:name7:x@1.raw12:piece lengthi16384ee12:piece layersdee"
        #expect(writer.encoded == Array(front.utf8) + hash.bytes + Array(back.utf8))
        let metainfo = try Metainfo(torrent: writer.encoded)
        #expect(metainfo.trackers == [["http://a/announce"], ["http://b/announce"]])
        #expect(metainfo.pieceHashes == [hash] && !metainfo.isPrivate)
    }

    @Test func `each spoiled part is refused for its own reason`() throws {
        let parts = try Parts()
        #expect(parts.failure == nil)
        #expect(parts.failure { $0.info["name"] = nil } == .missing("name"))
        #expect(parts.failure { $0.info["name"] = .integer(1) } == .wrongType("name"))
        #expect(parts.failure { $0.info["piece length"] = nil } == .missing("piece length"))
        for length in [Int64(0), -16384, (256 << 20) + 1, .max, .min] {
            #expect(parts.failure { $0.info["piece length"] = .integer(length) } == .badPieceLength(length))
        }
        #expect(parts.failure { $0.info["meta version"] = .integer(3) } == .newerMetaVersion(3))
        #expect(parts.failure { $0.info["meta version"] = .text("2") } == .wrongType("meta version"))
        #expect(parts.failure { $0.info["file tree"] = nil } == .missing("file tree"))
        #expect(parts.failure { $0.info["file tree"] = .dictionary([:]) } == .wrongType("file tree"))
        #expect(parts.failure { $0.info["pieces"] = nil } == .missing("pieces"))
        #expect(parts.failure { $0.info["pieces"] = .integer(1) } == .wrongType("pieces"))
        #expect(parts.failure { $0.info["pieces"] = .string([UInt8](repeating: 0, count: 59)) } == .badPieces)
        #expect(parts.failure { $0.info["length"] = .integer(-1) } == .wrongType("length"))
        #expect(parts.failure { $0.info["length"] = .integer(0) } == .badSize(0))
        #expect(parts.failure { $0.info["length"] = .integer(.max) } == .tooManyPieces)
        #expect(parts.failure { $0.info["length"] = .integer(40_001) } == .inconsistentHybrid("file lengths differ"))
        #expect(parts.failure { $0.info["name"] = .text("other") } == .inconsistentHybrid("file names differ"))
        #expect(parts.failure { $0.info["files"] = .list([]) } == .badFileTree("it has both 'length' and 'files'"))
        #expect(parts.failure { $0.top["piece layers"] = .list([]) } == .wrongType("piece layers"))
        for missing in [nil, Bencode.dictionary([:])] {
            #expect(parts.failure { $0.top["piece layers"] = missing } == .notAnImage("its piece layers are missing"))
        }
        for layer in [Bencode.integer(1), .string([]), .string([UInt8](repeating: 1, count: 95))] {
            let key = parts.top["piece layers"]?.entries?.first?.key ?? []
            let layers = Bencode.sorted([Bencode.Entry(key: key, value: layer)])
            #expect(
                parts.failure { $0.top["piece layers"] = layers }
                    == .badPieceLayers("a layer's length does not fit its file"))
        }
        let key = try #require(parts.top["piece layers"]?.entries?.first?.key)
        let wrong = Bencode.sorted([Bencode.Entry(key: key, value: .string([UInt8](repeating: 1, count: 96)))])
        #expect(
            parts.failure { $0.top["piece layers"] = wrong }
                == .badPieceLayers("a layer does not hash to its file's root"))
        let stranger = Bencode.sorted([Bencode.Entry(key: [1, 2], value: .string([]))])
        #expect(parts.failure { $0.top["piece layers"] = stranger } == .badPieceLayers("a layer belongs to no file"))
    }

    @Test func `each spoiled file tree is refused`() throws {
        var parts = try Parts()
        for key in ["length", "pieces"] { parts.info[key] = nil }
        let root = Bencode.string([UInt8](repeating: 7, count: 32))
        func failure(_ tree: Bencode) -> MetainfoError? { parts.failure { $0.info["file tree"] = tree } }
        func isRefused(_ tree: Bencode) -> Bool {
            if case .badFileTree = failure(tree) { true } else { false }
        }
        #expect(isRefused(.dictionary(["": .dictionary(["length": .integer(1)])])))
        #expect(isRefused(.dictionary(["a": .integer(1)])))
        #expect(isRefused(.dictionary(["a": .dictionary([:])])))
        #expect(isRefused(.dictionary(["a": .dictionary(["": .dictionary([:]), "b": .dictionary([:])])])))
        #expect(isRefused(Self.tree("a", ["attr": .text("p"), "length": .integer(1), "pieces root": root])))
        #expect(isRefused(Self.tree("a", ["length": .integer(1)])))
        #expect(isRefused(Self.tree("a", ["length": .integer(1), "pieces root": .text("short")])))
        let zeros = Bencode.string([UInt8](repeating: 0, count: 32))
        #expect(isRefused(Self.tree("a", ["length": .integer(1), "pieces root": zeros])))
        #expect(isRefused(Self.tree("a", ["length": .integer(0), "pieces root": root])))
        #expect(failure(Self.tree("a", ["length": .integer(0)])) == .badSize(0))
        #expect(failure(Self.tree("a", ["length": .integer(-1), "pieces root": root])) == .wrongType("length"))
        #expect(failure(Self.tree("a", ["length": .integer(.max), "pieces root": root])) == .tooManyPieces)
        #expect(failure(Self.tree("a", ["pieces root": root])) == .wrongType("length"))
        #expect(parts.failure { $0.info["piece length"] = .integer(8192) } == .badPieceLength(8192))
        #expect(parts.failure { $0.info["piece length"] = .integer(16385) } == .badPieceLength(16385))
        var deep = Bencode.dictionary(["": .dictionary(["length": .integer(1), "pieces root": root])])
        for _ in 0..<120 { deep = .dictionary(["a": deep]) }
        #expect(failure(deep) == .notBencoded(.tooDeep))
    }

    @Test func `a folder's name is not multiplied without bound by what is in it`() throws {
        var parts = try Parts()
        for key in ["length", "pieces"] { parts.info[key] = nil }
        /// So many empty files at the bottom of 80 folders.
        func failure(_ count: Int) -> MetainfoError? {
            let file = Bencode.dictionary(["": .dictionary(["length": .integer(0)])])
            let names = (0..<count).map { Bencode.Entry(key: Array(String($0).utf8), value: file) }
            let tree = (0..<80).reduce(Bencode.sorted(names)) { tree, _ in .dictionary(["folder": tree]) }
            return parts.failure { $0.info["file tree"] = tree }
        }
        #expect(failure(12_000) == .badSize(0))
        #expect(failure(14_000) == .badFileTree("its paths are too long"))
    }

    @Test(arguments: [false, true])
    func `a torrent cut short anywhere is refused`(_ hybrid: Bool) throws {
        let torrent = try TestImage(size: 40_000).torrent(hybrid: hybrid)
        for count in 0..<torrent.count {
            #expect(throws: MetainfoError.notBencoded(.truncated)) {
                try Metainfo(torrent: Array(torrent.prefix(count)))
            }
        }
        #expect(throws: MetainfoError.notBencoded(.trailingBytes(at: torrent.count))) {
            try Metainfo(torrent: torrent + [0])
        }
    }

    @Test(arguments: [false, true])
    func `an altered byte is refused or changes the info-hash`(_ hybrid: Bool) throws {
        let torrent = try TestImage(size: 40_000).torrent(hybrid: hybrid, trackers: ["http://a/announce"])
        let original = try Metainfo(torrent: torrent)
        for index in torrent.indices {
            for flip in [UInt8(0x01), 0x80, 0xff] {
                var altered = torrent
                altered[index] ^= flip
                guard let metainfo = try? Metainfo(torrent: altered) else { continue }
                // Outside `info` and the layers, which are proven, only trackers and the creator's name can differ.
                if metainfo.infoHash == original.infoHash {
                    #expect(metainfo.pieceHashes == original.pieceHashes && metainfo.info == original.info)
                    #expect(metainfo.geometry == original.geometry && metainfo.name == original.name)
                }
            }
        }
    }

    @Test func `what is no torrent is refused`() {
        for (text, error) in [
            ("", MetainfoError.notBencoded(.truncated)), ("le", .wrongType("torrent")), ("de", .missing("info")),
            ("d4:infoi1ee", .wrongType("info")), ("d4:infodee", .missing("name")),
            ("d4:infod4:name1:x12:piece lengthi16384eee", .missing("pieces")),
        ] {
            #expect(throws: error) { try TorrentFile(Array(text.utf8)) }
        }
        let long = [UInt8](repeating: 0x31, count: TorrentFile.maximumByteCount + 1)
        #expect(throws: MetainfoError.notBencoded(.tooLong)) { try TorrentFile(long) }
    }

    @Test func `trackers and other outer facts are read`() throws {
        var parts = try Parts()
        parts.top["announce"] = .text("http://ignored/")
        parts.top["announce-list"] = .list([
            .list([.text("http://a/"), .text("http://b/")]), .list([.text("http://c/")]),
        ])
        parts.top["url-list"] = .text("http://seed/")
        parts.info["private"] = .integer(1)
        let metainfo = try Metainfo(torrent: parts.encoded)
        #expect(metainfo.trackers == [["http://a/", "http://b/"], ["http://c/"]])
        #expect(metainfo.webSeeds == ["http://seed/"] && metainfo.isPrivate)
        parts.top["announce-list"] = .list([.list([]), .integer(1)])
        #expect(try Metainfo(torrent: parts.encoded).trackers == [["http://ignored/"]])
    }
}
