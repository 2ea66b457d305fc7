// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Debian's python3-libtorrent: another implementation's opinion on torrents, and torrents of its making.
enum LibtorrentJudge {
    /// What libtorrent found in a torrent.
    struct Opinion: Decodable, Equatable {
        var v1: String?
        var v2: String?
        var name: String
        var size: Int
        var pieceLength: Int
        var files: Int
        /// The pieces root of the first file, where there is a version 2 part.
        var root: String?
    }

    /// A file as libtorrent sees it in the piece space.
    struct File: Decodable, Hashable {
        var path: String
        var length: Int64
        var offset: Int64
    }

    /// The files with content, padding left out, in the order of the piece space.
    static func files(_ path: String) throws -> [File] {
        try JSONDecoder().decode([File].self, from: run(lister, [path]))
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads each torrent file.
    static func read(_ paths: [String]) throws -> [Opinion] {
        try JSONDecoder().decode([Opinion].self, from: run(reader, paths))
    }

    /// A torrent to be made of the file or folder `name` in `folder`.
    struct Order {
        var folder: String
        var name: String
        var pieceLength: Int
        /// `v1`, `v2` or `hybrid`.
        var kind: String
        /// The torrent's path.
        var output: String
    }

    static func make(_ orders: [Order]) throws {
        _ = try run(maker, orders.flatMap { [$0.folder, $0.name, String($0.pieceLength), $0.kind, $0.output] })
    }

    private static let reader = """
        import json, sys, libtorrent as lt
        opinions = []
        for path in sys.argv[1:]:
            info = lt.torrent_info(path)
            hashes, files = info.info_hashes(), info.files()
            # Of version 2 torrents libtorrent shows padding that is not in them.
            real = [i for i in range(files.num_files()) if not files.file_flags(i) & files.flag_pad_file]
            opinions.append({
                "v1": str(hashes.v1) if hashes.has_v1() else None,
                "v2": str(hashes.v2) if hashes.has_v2() else None,
                "name": info.name(), "size": sum(files.file_size(i) for i in real),
                "pieceLength": info.piece_length(), "files": len(real),
                "root": str(files.root(0)) if hashes.has_v2() else None})
        print(json.dumps(opinions))
        """

    private static let lister = """
        import json, sys, libtorrent as lt
        files = lt.torrent_info(sys.argv[1]).files()
        print(json.dumps([
            {"path": files.file_path(i), "length": files.file_size(i), "offset": files.file_offset(i)}
            for i in range(files.num_files())
            if files.file_size(i) and not files.file_flags(i) & files.flag_pad_file]))
        """

    private static let maker = """
        import sys, libtorrent as lt
        arguments = sys.argv[1:]
        flags = {"hybrid": 0, "v1": lt.create_torrent.v1_only, "v2": lt.create_torrent.v2_only}
        while arguments:
            folder, name, length, kind, output = arguments[:5]
            arguments = arguments[5:]
            files = lt.file_storage()
            lt.add_files(files, folder + "/" + name)
            torrent = lt.create_torrent(files, int(length), flags[kind])
            lt.set_piece_hashes(torrent, folder)
            with open(output, "wb") as file:
                file.write(lt.bencode(torrent.generate()))
        """

    private static func run(_ script: String, _ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", script] + arguments
        let (output, problems) = (Pipe(), FileHandle.standardError)
        process.standardOutput = output
        process.standardError = problems
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "python3 with libtorrent failed; Debian's python3-libtorrent must be installed")
        }
        return data
    }
}
