// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct CloneList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the clones of the store.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .clones(let clones) = try await store.ask(.listClones) else { throw HostFailure.unexpectedReply }
        try output.print(
            clones, columns: ["clone", "master", "backend", "full", "path", "health"],
            rows: clones.map { [$0.name, $0.master, $0.backend, PercentText.of($0.fill), $0.path, $0.health] })
    }
}
