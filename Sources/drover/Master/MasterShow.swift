// SPDX-License-Identifier: Apache-2.0

import Amounts
import ArgumentParser
import PeerService

struct MasterShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one master: its hashes, its files, the clones that depend on it.")

    @Argument(
        help: ArgumentHelp("The master, NAME@VERSION or NAME.", valueName: "master"), completion: LiveNames.masters)
    var master: String

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .master(let report) = try await store.ask(.showMaster(MasterReference(master))) else {
            throw HostFailure.unexpectedReply
        }
        try Self.print(report, output)
    }

    static func print(_ report: MasterReport, _ output: OutputOptions) throws {
        try output.print(
            report,
            fields: [
                "master": "\(report.name)@\(report.version)",
                "label": report.label,
                "state": report.state,
                "problem": report.problem,
                "size": "\(ByteText(report.size)) (\(report.size) bytes), \(ByteText(report.allocated)) on disk",
                "pieces": "of \(ByteText(Int64(report.pieceLength)))",
                "info-hash v1": report.infoHashV1,
                "info-hash v2": report.infoHashV2,
                "image": report.path + (report.location == "adopted" ? " (adopted)" : ""),
                "torrent": report.torrent,
                "clones": report.clones.isEmpty ? nil : report.clones.joined(separator: ", "),
            ])
    }
}
