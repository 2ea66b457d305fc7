// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct CloneRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove clones and everything that was written to them.")

    @Argument(help: ArgumentHelp("The clones' names.", valueName: "clone"), completion: LiveNames.clones)
    var clones: [String]

    @OptionGroup var store: StoreOptions

    func run() async throws { _ = try await store.ask(.removeClones(clones)) }
}
