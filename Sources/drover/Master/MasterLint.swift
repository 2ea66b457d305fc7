// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MasterLint
import PeerService

struct MasterLint: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Look into a master for what its clones must not have in common.",
        discussion: """
            Looks for machine ids, SSH host keys, DHCP leases, cloud-init's state, saved random seeds, NetworkManager's \
            key and used swap space. Nothing is mounted, changed or written: debugfs of e2fsprogs reads ext2, ext3 and \
            ext4 file systems, by themselves or in the partitions of an MBR or GPT.

            Exit code 0: nothing was found. 8: something was. 6: nothing was found, but not everything could be looked \
            into; what and why is said. docs/operating/identity.md says more.
            """)

    @Argument(
        help: ArgumentHelp("The master, NAME@VERSION or NAME.", valueName: "master"), completion: LiveNames.masters)
    var master: String

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let reply = try await store.ask(.lintMaster(MasterReference(master)), quiet: output.quiet)
        guard case .linted(let report) = reply else { throw HostFailure.unexpectedReply }
        if output.format == .json {
            try OutputOptions.json(report)
        } else {
            for finding in report.findings {
                Terminal.data("\(finding.id): \(finding.path) (\(finding.place)): \(finding.what)")
                Terminal.data("  why: \(finding.why)")
                Terminal.data("  repair: \(finding.repair)")
            }
            if report.findings.isEmpty, report.isComplete { Terminal.data("\(report.master): nothing found") }
        }
        let unseen = report.places.compactMap { place in place.obstacle.map { "\(place.name): \($0)" } }
        guard report.findings.isEmpty else {
            let count = report.findings.count
            for line in unseen { Terminal.note("could not look into \(line)") }
            throw HostFailure(
                .verification,
                "\(report.master) has \(count) thing\(count == 1 ? "" : "s") in it that clones must not share; repair the "
                    + "source image and make a new version of it")
        }
        guard unseen.isEmpty else {
            throw HostFailure(
                .partial,
                "nothing was found in \(report.master), but not all of it could be looked into: "
                    + unseen.prefix(4).joined(separator: "; "))
        }
    }
}
