// SPDX-License-Identifier: Apache-2.0

import Foundation
import Metainfo
import TestSupport
import Testing

/// Drover and libtorrent read each other's torrents and find the same in them.
struct LibtorrentTests {
    static let sizes = [
        1, 100, 16384, 16385, 256 << 10, (256 << 10) + 1, (1 << 20) + 5, (3 << 20) + 12345, 10 << 20,
    ]
    static let pieceLengths = [16 << 10, 64 << 10, 256 << 10, 1 << 20]
    static let name = "golden@7.raw"

    @Test(arguments: sizes)
    func `one image has the same hashes on both sides`(_ size: Int) throws {
        let folder = try TemporaryDirectory()
        let content = try TestImage(size: size, pieceLength: 16 << 10, seed: UInt64(size))
        try Data(content.bytes).write(to: URL(fileURLWithPath: "\(folder.path)/\(Self.name)"))
        let kinds = ["v2", "hybrid"]
        var orders: [LibtorrentJudge.Order] = []
        for pieceLength in Self.pieceLengths {
            for kind in kinds {
                orders.append(
                    LibtorrentJudge.Order(
                        folder: folder.path, name: Self.name, pieceLength: pieceLength, kind: kind,
                        output: "\(folder.path)/\(kind)-\(pieceLength)"))
            }
        }
        try LibtorrentJudge.make(orders)
        var ours: [Metainfo] = []
        for order in orders {
            let pieceHashes = try Self.pieceHashes(content.bytes, order.pieceLength)
            let geometry = try #require(PieceGeometry(size: Int64(size), pieceLength: order.pieceLength))
            let v1 = order.kind == "hybrid" ? Self.v1Pieces(content.bytes, order.pieceLength) : nil
            let torrent = TorrentWriter(
                name: Self.name, geometry: geometry, pieceHashes: pieceHashes, v1Pieces: v1,
                trackers: ["http://127.0.0.1:6969/announce", "http://[::1]:6969/announce"]
            ).encoded
            try Data(torrent).write(to: URL(fileURLWithPath: order.output + ".drover"))
            let metainfo = try Metainfo(torrent: torrent)
            ours.append(metainfo)

            let theirs = try Metainfo(torrent: Self.bytes(order.output))
            #expect(theirs.infoHashes == metainfo.infoHashes)
            #expect(theirs.info == metainfo.info)
            #expect(theirs.piecesRoot == metainfo.piecesRoot)
            #expect(theirs.pieceHashes == pieceHashes && theirs.pieceHashes == metainfo.pieceHashes)
            #expect(theirs.geometry == geometry && theirs.name == Self.name)
        }
        let opinions = try LibtorrentJudge.read(orders.map { $0.output + ".drover" })
        for (order, (opinion, metainfo)) in zip(orders, zip(opinions, ours)) {
            let expected = LibtorrentJudge.Opinion(
                v1: metainfo.infoHashes.v1?.hex, v2: metainfo.infoHashes.v2?.hex, name: Self.name, size: size,
                pieceLength: order.pieceLength, files: 1, root: metainfo.piecesRoot.hex)
            #expect(opinion == expected)
            #expect((metainfo.infoHashes.v1 != nil) == (order.kind == "hybrid"))
        }
    }

    /// The order of names is where readers differ: a dot sorts before a slash, and folders among files.
    @Test(arguments: ["v1", "v2", "hybrid"])
    func `a folder is read with the same hashes and places, and refused as an image`(_ kind: String) throws {
        let folder = try TemporaryDirectory()
        let contents = [
            ("set/a.txt", 100), ("set/a/b", 70_000), ("set/a/b.c", 32 << 10), ("set/empty", 0), ("set/twin", 70_000),
            ("set/z", 16384),
        ]
        for (path, size) in contents {
            let url = URL(fileURLWithPath: "\(folder.path)/\(path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            // Files of one size are equal, and share their layer.
            var random = SplitMix(state: UInt64(size))
            try Data(random.bytes(size)).write(to: url)
        }
        let output = "\(folder.path)/torrent"
        try LibtorrentJudge.make([
            .init(folder: folder.path, name: "set", pieceLength: 32 << 10, kind: kind, output: output)
        ])
        let torrent = try TorrentFile(Self.bytes(output))
        let opinion = try #require(try LibtorrentJudge.read([output]).first)
        #expect(torrent.infoHashes.v1?.hex == opinion.v1 && torrent.infoHashes.v2?.hex == opinion.v2)
        #expect(torrent.name == "set" && torrent.pieceLength == 32 << 10)
        #expect(torrent.size == Int64(contents.reduce(0) { $0 + $1.1 }))
        #expect(!torrent.isSingleFile)
        let ours = torrent.namedFiles.filter { $0.length > 0 }.map { file in
            LibtorrentJudge.File(
                path: (["set"] + file.path).joined(separator: "/"), length: file.length, offset: file.offset)
        }
        #expect(try LibtorrentJudge.files(output) == ours)
        #expect(throws: MetainfoError.self) { try Metainfo(torrent) }
    }

    @Test func `a version 1 torrent of one file is read and refused as an image`() throws {
        let folder = try TemporaryDirectory()
        var random = SplitMix(state: 3)
        try Data(random.bytes(100_000)).write(to: URL(fileURLWithPath: "\(folder.path)/disk.img"))
        let output = "\(folder.path)/torrent"
        try LibtorrentJudge.make([
            .init(folder: folder.path, name: "disk.img", pieceLength: 32 << 10, kind: "v1", output: output)
        ])
        let torrent = try TorrentFile(Self.bytes(output))
        let opinion = try #require(try LibtorrentJudge.read([output]).first)
        #expect(torrent.infoHashes == InfoHashes(v1: torrent.infoHashes.v1, v2: nil))
        #expect(torrent.infoHashes.v1?.hex == opinion.v1)
        #expect(torrent.isSingleFile && torrent.size == 100_000 && torrent.v1Pieces?.count == 80)
        #expect { try Metainfo(torrent) } throws: { error in
            if case .notAnImage = error as? MetainfoError { true } else { false }
        }
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private static func pieceHashes(_ bytes: [UInt8], _ pieceLength: Int) throws -> [SHA256Digest] {
        let geometry = try #require(PieceGeometry(size: Int64(bytes.count), pieceLength: pieceLength))
        return bytes.withUnsafeBytes { raw in
            geometry.pieces.map { piece in
                let start = Int(geometry.offset(of: piece))
                let part = UnsafeRawBufferPointer(rebasing: raw[start..<start + geometry.length(of: piece)])
                return MerkleTree.pieceHash(leaves: MerkleTree.leaves(of: part), geometry: geometry)
            }
        }
    }

    private static func v1Pieces(_ bytes: [UInt8], _ pieceLength: Int) -> [UInt8] {
        stride(from: 0, to: bytes.count, by: pieceLength).flatMap {
            SHA1Digest(hashing: Array(bytes[$0..<min($0 + pieceLength, bytes.count)])).bytes
        }
    }
}
