// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FileLayer
import FoundationEssentials
import ImageStore
import Metainfo
import PeerService

struct MasterAdopt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt",
        abstract: "Register an image that stays where it is, such as on an NFS share, once it is verified there.",
        discussion: """
            Every piece of the image is read and compared with the .torrent; nothing is copied, and nothing is ever \
            written to the image or beside it. Clones are made in the store, over the image in its place, so the share \
            must be mounted at the same path whenever they run.

            An image that is changed afterwards is neither cloned nor trusted until `drover master verify` finds it \
            good. An adopted master is not served to other hosts: make it with `drover master create` or fetch it \
            where it is to be served. `drover master remove` forgets it and leaves the image.

              mount -o ro filer:/masters /srv/masters
              drover master adopt /srv/masters/debian.raw --torrent /srv/masters/debian.torrent
            """)

    @Argument(help: ArgumentHelp("The raw disk image.", valueName: "path"), completion: .file())
    var path: String

    @Option(
        help: ArgumentHelp("The .torrent that the image has to agree with.", valueName: "file"),
        completion: .file(extensions: ["torrent"]))
    var torrent: String

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("Register it under this name instead of the torrent's own.", valueName: "name@version"))
    var rename: String?

    @Option(help: ArgumentHelp("A few words for people, such as \"on the filer\".", valueName: "text"))
    var label: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let resolved = StoreLayout.resolve(path)
        let bytes = try TorrentOnDisk.read(torrent)
        // Before a store is made for it, and before a long read: what is done about the mode counts as a change.
        do {
            _ = try Metainfo(torrent: bytes)
        } catch {
            throw HostFailure(error)
        }
        guard let status = try? PosixFiles().status(resolved) else {
            throw HostFailure(
                .notFound, "there is no readable image at \(path); check the path, and that its share is mounted")
        }
        if !status.isDirectory, status.mode & 0o222 != 0, !output.quiet {
            Terminal.note(
                "warning: \(path) can be written to (mode \(String(status.mode, radix: 8))), and a write would change "
                    + "every clone under its VM; make it read-only on its server: chmod 0444")
        }
        let order = HostRequest.AdoptMaster(path: resolved, torrent: Data(bytes), rename: rename, label: label)
        let reply = try await store.ask(.adoptMaster(order), create: true, quiet: output.quiet)
        guard case .master(let report) = reply else { throw HostFailure.unexpectedReply }
        try MasterShow.print(report, output)
    }
}
