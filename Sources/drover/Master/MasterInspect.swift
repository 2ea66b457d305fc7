// SPDX-License-Identifier: Apache-2.0

import Amounts
import ArgumentParser
import Metainfo
import PeerService

struct MasterInspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what a .torrent file describes, or why it is refused.")

    @Argument(help: ArgumentHelp("The .torrent file.", valueName: "file"), completion: .file(extensions: ["torrent"]))
    var file: String

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let bytes = try TorrentOnDisk.read(file)
        let torrent: TorrentFile
        do throws(MetainfoError) {
            torrent = try TorrentFile(bytes)
        } catch {
            throw HostFailure(.failed, "\(file) is refused: \(error)")
        }
        let report = TorrentReport(torrent)
        try output.print(
            report,
            fields: [
                "name": report.name,
                "size": "\(ByteText(report.size)) (\(report.size) bytes)",
                "pieces": "of \(ByteText(report.pieceLength))",
                "files": torrent.isSingleFile ? nil : Self.summary(torrent.namedFiles),
                "info-hash v1": report.infoHashV1,
                "info-hash v2": report.infoHashV2,
                "private": report.isPrivate ? "yes" : "no",
                "trackers": report.trackers.isEmpty ? nil : report.trackers.joined(separator: ", "),
                "fetchable": TorrentReport.obstacle(torrent) ?? "yes",
            ])
    }

    /// How many files there are, and the first of them by name.
    private static func summary(_ files: [TorrentFile.Entry]) -> String {
        let shown = files.prefix(8).map { "\($0.path.joined(separator: "/")) (\(ByteText($0.length)))" }
        let rest = files.count - shown.count
        return "\(files.count): " + shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}

/// A .torrent file as JSON shows it. Absent hashes are written as `null`.
struct TorrentReport: Encodable {
    /// One file: its place below the torrent's name, and where its bytes begin in the piece space.
    struct File: Encodable {
        let path: [String]
        let length: Int64
        let offset: Int64
    }

    let name: String
    let size: Int64
    let pieceLength: Int64
    let infoHashV1: String?
    let infoHashV2: String?
    let isPrivate: Bool
    let trackers: [String]
    let files: [File]

    private enum CodingKeys: String, CodingKey {
        case name, size, pieceLength, infoHashV1, infoHashV2, trackers, files
        case isPrivate = "private"
    }

    init(_ torrent: TorrentFile) {
        name = torrent.name
        size = torrent.size
        pieceLength = torrent.pieceLength
        infoHashV1 = torrent.infoHashes.v1?.hex
        infoHashV2 = torrent.infoHashes.v2?.hex
        isPrivate = torrent.isPrivate
        trackers = torrent.trackers.flatMap { $0 }
        files = torrent.namedFiles.map { File(path: $0.path, length: $0.length, offset: $0.offset) }
    }

    /// Why the torrent cannot be fetched as a master, or `nil` when it can.
    static func obstacle(_ torrent: TorrentFile) -> String? {
        do {
            _ = try Metainfo(torrent)
            return nil
        } catch {
            return "no: \(error)"
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(size, forKey: .size)
        try container.encode(pieceLength, forKey: .pieceLength)
        try container.encode(infoHashV1, forKey: .infoHashV1)
        try container.encode(infoHashV2, forKey: .infoHashV2)
        try container.encode(isPrivate, forKey: .isPrivate)
        try container.encode(trackers, forKey: .trackers)
        try container.encode(files, forKey: .files)
    }
}
