// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FileLayer
import Glibc
import ImageStore
import PeerService

struct MasterCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a master of a disk image and register it in the store.",
        discussion: """
            The image is copied into the store (shared where the file system can, sparse otherwise), hashed, and \
            registered read-only together with its .torrent. A running peer serves it at once; `drover peer run` \
            serves it when it starts. The source is left as it is; one that a running VM writes to is refused, and so is \
            one whose header names other files, a parent or a backing file, or does not hold together.

            What is in the image is in every clone: `drover master lint` finds machine ids, SSH host keys and the like \
            that clones must not share.
            """)

    @Argument(help: "The disk image: raw, or a format qemu-img reads.", completion: .file())
    var source: String

    @Option(help: ArgumentHelp("The master's name: letters, digits, '.', '_' and '-'.", valueName: "name"))
    var name: String

    @Option(help: ArgumentHelp("The version: a positive number, larger than any before.", valueName: "number"))
    var version: Int

    @Option(help: ArgumentHelp("A few words for people, such as \"May security fixes\".", valueName: "text"))
    var label: String?

    @Option(
        name: .customLong("tracker"),
        help: ArgumentHelp("A tracker that the .torrent names. May be given more than once.", valueName: "url"))
    var trackers: [String] = []

    @Option(
        name: .customLong("web-seed"),
        help: ArgumentHelp(
            "An HTTP server that has the raw image: its URL, or a folder's with a slash at its end, where the image is "
                + "NAME@VERSION.raw. Peers fetch from it too. May be given more than once.", valueName: "url"))
    var webSeeds: [String] = []

    @Option(
        help: ArgumentHelp("Also write the .torrent here.", valueName: "file"),
        completion: .file(extensions: ["torrent"]))
    var out: String?

    @Option(
        help: ArgumentHelp(
            "Bytes in a piece; a power of two from 16384. (default: from the image's size, 64 KiB to 16 MiB)",
            valueName: "bytes"))
    var pieceLength: Int?

    @Flag(help: "Add version 1 hashes, so that clients that know only BitTorrent v1 can join.")
    var hybrid = false

    @Flag(
        help: ArgumentHelp(
            "Let everybody fetch the master who has its .torrent. Without it a master that is made on an enrolled host is for "
                + "the enrolled hosts of its fleet."))
    var open = false

    @Option(
        help: ArgumentHelp(
            "The image's format: raw, qcow2, vmdk, vhd, vhdx or vdi. (default: from the file's extension)",
            valueName: "format"))
    var sourceFormat: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if version < 1 { throw ValidationError("--version must be a positive number, such as 1") }
    }

    func run() async throws {
        let format: SourceFormat
        if let word = sourceFormat {
            guard let named = SourceFormat(rawValue: word) else {
                let words = SourceFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw HostFailure(.usage, "there is no source format '\(word)'; use one of \(words)")
            }
            format = named
        } else {
            format = try SourceFormat(extensionOf: source)
        }
        // Before a store is made for it.
        guard access(source, R_OK) == 0 else {
            throw HostFailure(.notFound, "there is no readable image at \(source); check the path and its permissions")
        }
        let order = HostRequest.CreateMaster(
            source: StoreLayout.resolve(source), name: name, version: version, label: label, trackers: trackers,
            webSeeds: webSeeds, pieceLength: pieceLength, hybrid: hybrid, isOpen: open, format: format,
            isFormatStated: sourceFormat != nil)
        let reply = try await store.ask(.createMaster(order), create: true, quiet: output.quiet)
        guard case .master(let report) = reply else { throw HostFailure.unexpectedReply }
        if let out { try copyTorrent(report.torrent, to: StoreLayout.resolve(out)) }
        try MasterShow.print(report, output)
    }

    private func copyTorrent(_ path: String, to out: String) throws {
        let files = PosixFiles()
        do {
            try files.replace(out, with: files.contents(of: path, limit: 128 << 20))
        } catch {
            throw HostFailure(
                .failed, "the master is registered, but its .torrent could not be written: \(error); copy \(path)")
        }
    }
}
