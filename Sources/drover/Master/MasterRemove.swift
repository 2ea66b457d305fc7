// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct MasterRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove masters from the store, or give up fetches that are under way.",
        discussion: """
            A master that clones depend on is refused; remove the clones first. Of an adopted master the store forgets \
            what it knows; the image stays where it is. The active version, and those that `drover master rollback` could go \
            back to, are kept unless --force is given.
            """)

    @Argument(help: ArgumentHelp("The masters, NAME@VERSION each.", valueName: "master"), completion: LiveNames.masters)
    var masters: [String]

    @Flag(help: "Also a version that is active, or kept to go back to.")
    var force = false

    @OptionGroup var store: StoreOptions

    func run() async throws {
        let references = try masters.map { name throws(HostFailure) in try MasterReference(name) }
        for reference in references {
            _ = try await store.ask(.removeMaster(reference, force: force))
        }
    }
}
