// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CloneLayer
import PeerService

struct CloneCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make clones of a master and print their paths, one a line.",
        discussion: """
            Backends. Files: qcow2 makes an overlay that refers to the master (any file system); reflink a raw file \
            that shares the master's blocks (XFS, btrfs); copy a full copy that shares nothing; vhd a differencing VHD, \
            which only Xen and Hyper-V open: qemu would read zeros. Block devices, for root: dm-snapshot keeps what is \
            written in a file beside the master; dm-thin in a pool of the store; lvm and lvm-thin in a volume group, into \
            which the master is copied once. auto takes what suits this host's hypervisor, and says why; drover doctor \
            shows what works here.

              drover clone create debian web            one clone, web
              drover clone create debian@3 web --count 8    web-1 to web-8
              drover clone create debian xen-1 --backend dm-snapshot --cow-size 4G
              drover clone create debian db --backend lvm-thin --volume-group fast

            After a restart of the host block devices are made again by drover clone map --all.

            With --hostname, --ssh-key or --user-data each clone gets a seed image, a CD-ROM for the guest's cloud-init \
            (NoCloud), which 'clone config' puts into the VM's drive. Each has an instance id of its own, and a new one \
            after 'clone reset'. What --user-data says is passed on unchanged; the keys are added to its own, and its \
            'hostname:' wins. docs/operating/identity.md says more.

              drover clone create debian web --count 8 --hostname web.example.net --ssh-key ~/.ssh/id_ed25519.pub
            """)

    @Argument(
        help: ArgumentHelp("The master, NAME@VERSION or NAME for its active version.", valueName: "master"),
        completion: LiveNames.masters)
    var master: String

    @Argument(help: ArgumentHelp("The clone's name; with --count the clones' common name.", valueName: "clone"))
    var clone: String

    @Option(help: ArgumentHelp("How clones are made: auto, or one of the above.", valueName: "backend"))
    var backend = "auto"

    @Option(help: ArgumentHelp("Make clones CLONE-1 to CLONE-K instead of one.", valueName: "k"))
    var count: Int?

    @Option(help: ArgumentHelp("qcow2: bytes that are allocated together. (default: 64K)", valueName: "size"))
    var clusterSize: SizeText?

    @Flag(name: .customLong("extended-l2"), help: "qcow2: allocate clusters in 32 parts, for small writes.")
    var extendedL2 = false

    @Option(
        help: ArgumentHelp(
            "dm-snapshot, lvm: room for what is written; full means lost. (default: as much as the master can need)",
            valueName: "size"))
    var cowSize: SizeText?

    @Option(help: ArgumentHelp("lvm, lvm-thin: the volume group. (default: drover)", valueName: "group"))
    var volumeGroup: String?

    @Flag(help: "Also of what no publisher that this host trusts has signed; this is put on record.")
    var unsigned = false

    @OptionGroup var guest: GuestOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = try HostFailure.wrapping {
            try CloneSettings(
                clusterSize: clusterSize.map { Int($0.bytes) }, extendedL2: extendedL2 ? true : nil,
                storeSize: cowSize?.bytes, volumeGroup: volumeGroup)
        }
        let order = HostRequest.CreateClones(
            master: try MasterReference(master), clone: clone, count: count, backend: backend, settings: settings,
            identity: try guest.identity(), unsigned: unsigned)
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
