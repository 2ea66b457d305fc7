// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct MasterPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Put a master into a tracker's catalogue, so that hosts can fetch it by name.",
        discussion: """
            Only the .torrent goes to the tracker; the image itself comes from the peers that have it. Publishing the \
            same master again changes nothing; a version that is published with other content is refused. A fleet's \
            tracker takes it from operators whose token allows it:

              drover master publish debian@4 --tracker https://tracker:6969 --token-file publisher.token
            """)

    @Argument(help: ArgumentHelp("The master, NAME@VERSION.", valueName: "master"), completion: LiveNames.masters)
    var master: String

    @OptionGroup var tracker: TrackerOption
    @OptionGroup var credentials: TrackerCredentialOptions
    @OptionGroup var store: StoreOptions

    func run() async throws {
        let tracker = try tracker.url
        _ = try await store.ask(
            .publishMaster(MasterReference(master), tracker: tracker, credentials: credentials.read()))
        Terminal.note("\(master) is in the catalogue of \(tracker)")
    }
}
