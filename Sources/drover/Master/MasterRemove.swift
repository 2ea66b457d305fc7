// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct MasterRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove masters from the store, or give up fetches that are under way.",
        discussion: """
            A master that clones depend on is refused; remove the clones first. Of an adopted master the store forgets \
            what it knows; the image stays where it is.
            """)

    @Argument(help: ArgumentHelp("The masters, NAME@VERSION each.", valueName: "master"))
    var masters: [String]

    @OptionGroup var store: StoreOptions

    func run() async throws {
        let references = try masters.map { name throws(HostFailure) in try MasterReference(name) }
        for reference in references {
            _ = try await store.ask(.removeMaster(reference))
        }
    }
}
