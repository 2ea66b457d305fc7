// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct CloneShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one clone.")

    @Argument(help: ArgumentHelp("The clone's name.", valueName: "clone"), completion: LiveNames.clones)
    var clone: String

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .clone(let report) = try await store.ask(.showClone(clone)) else {
            throw HostFailure.unexpectedReply
        }
        try output.print(
            report,
            fields: [
                "clone": report.name, "master": report.master, "backend": report.backend, "path": report.path,
                "room used": report.fill.map { PercentText.of($0) },
                "seed image": report.seedImage, "mac": report.mac, "uuid": report.uuid,
                "health": report.health,
            ])
    }
}
