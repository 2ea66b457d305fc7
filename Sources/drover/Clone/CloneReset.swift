// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct CloneReset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Take clones back to their masters; what was written to them is lost.",
        discussion: "Shut the VM down first: it must not have the disk open while it is replaced.")

    @Argument(help: ArgumentHelp("The clones' names.", valueName: "clone"), completion: LiveNames.clones)
    var clones: [String]

    @OptionGroup var store: StoreOptions

    func run() async throws { _ = try await store.ask(.resetClones(clones)) }
}
