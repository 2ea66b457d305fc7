// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct MasterVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read a master again and compare every piece with its hash.",
        discussion: """
            A master that fails is no longer served or cloned; remove it and fetch it again, or, if it was adopted, put \
            its right image back and verify again.
            """)

    @Argument(
        help: ArgumentHelp("The master, NAME@VERSION or NAME.", valueName: "master"), completion: LiveNames.masters)
    var master: String

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let reply = try await store.ask(.verifyMaster(MasterReference(master)), quiet: output.quiet)
        guard case .verified(let report) = reply else { throw HostFailure.unexpectedReply }
        if report.isGood || output.format == .json {
            try output.print(
                report, fields: ["master": report.master, "pieces": "\(report.pieceCount)", "verdict": "good"])
        }
        guard report.isGood else {
            throw HostFailure(
                .verification,
                "\(report.master) is damaged: "
                    + (report.badPieces.isEmpty
                        ? "its file has not the image's size"
                        : "\(report.badPieces.count) of \(report.pieceCount) pieces are wrong")
                    + "; remove it and fetch it again, or put the right image back if it was adopted")
        }
    }
}
