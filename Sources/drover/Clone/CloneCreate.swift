// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct CloneCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make clones of a master and print their paths, one a line.",
        discussion: """
            Backends: qcow2 makes an overlay file that refers to the master (any file system); reflink makes a raw \
            file that shares the master's blocks (XFS, btrfs); copy makes a full copy that shares nothing; vhd \
            makes a differencing VHD, which only Xen and Hyper-V open: qemu would read zeros. auto takes the first of \
            qcow2, reflink and copy that works, and says why.

              drover clone create debian web            one clone, web
              drover clone create debian@3 web --count 8    web-1 to web-8

            With --hostname, --ssh-key or --user-data each clone gets a seed image, a CD-ROM for the guest's cloud-init \
            (NoCloud), which 'clone config' puts into the VM's drive. Each has an instance id of its own, and a new one \
            after 'clone reset'. What --user-data says is passed on unchanged; the keys are added to its own, and its \
            'hostname:' wins. docs/operating/identity.md says more.

              drover clone create debian web --count 8 --hostname web.example.net --ssh-key ~/.ssh/id_ed25519.pub
            """)

    @Argument(help: ArgumentHelp("The master, NAME@VERSION or NAME for its newest version.", valueName: "master"))
    var master: String

    @Argument(help: ArgumentHelp("The clone's name; with --count the clones' common name.", valueName: "clone"))
    var clone: String

    @Option(help: ArgumentHelp("How clones are made: auto, qcow2, reflink, copy or vhd.", valueName: "backend"))
    var backend = "auto"

    @Option(help: ArgumentHelp("Make clones CLONE-1 to CLONE-K instead of one.", valueName: "k"))
    var count: Int?

    @OptionGroup var guest: GuestOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let order = HostRequest.CreateClones(
            master: try MasterReference(master), clone: clone, count: count, backend: backend,
            identity: try guest.identity())
        guard case .created(let report) = try await store.ask(.createClones(order)) else {
            throw HostFailure.unexpectedReply
        }
        if !output.quiet {
            let each = (report.milliseconds / Double(max(1, report.clones.count)) * 100).rounded() / 100
            Terminal.note("\(report.explanation); \(each) ms per clone")
        }
        guard output.format == .table else { return try OutputOptions.json(report) }
        for clone in report.clones { Terminal.data(clone.path) }
    }
}
