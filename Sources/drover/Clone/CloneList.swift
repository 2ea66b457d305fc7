// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct CloneList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the clones of the store.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .clones(let clones) = try await store.ask(.listClones) else { throw HostFailure.unexpectedReply }
        // Only some backends have room that can run full.
        let showsFill = clones.contains { $0.fill != nil }
        try output.print(
            clones, columns: ["clone", "master", "backend"] + (showsFill ? ["full"] : []) + ["health", "path"],
            rows: clones.map { clone in
                [clone.name, clone.master, clone.backend] + (showsFill ? [PercentText.of(clone.fill)] : [])
                    + [clone.health, clone.path]
            })
    }
}
