// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

struct CloneProbe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Boot a clone of a master, wait for a sign that its guest is up, and remove the clone.",
        discussion: """
            The clone is made for this alone, boots in a machine of qemu's without a screen, and is gone afterwards, however \
            it ends. KVM is used where it works. Without an option for it the sign is the last message of the guest's \
            cloud-init on its serial console.

              drover clone probe debian
              drover clone probe debian@4 --marker "login:" --timeout 2m
              drover clone probe web --port 80
              drover clone probe win --command /etc/drover/probe-windows --fast

            The guest has no network, but with --port one on which it reaches nobody. --command takes the rest of the line \
            and runs that program in the place of qemu, without a shell: it finds DROVER_PROBE_DISK, DROVER_PROBE_FORMAT, \
            DROVER_PROBE_SEED, DROVER_PROBE_MASTER and DROVER_PROBE_CLONE in its environment, and passes with status 0.

            Exits with 8 when the guest did not come up, with 7 when it was not up in time, and prints the last of what it \
            said. docs/operating/probes.md says more.
            """)

    @Argument(
        help: ArgumentHelp("The master, NAME@VERSION or NAME for its active version.", valueName: "master"),
        completion: LiveNames.masters)
    var master: String

    @Option(help: ArgumentHelp("The guest prints this text on its serial console.", valueName: "text"))
    var marker: String?

    @Option(help: ArgumentHelp("The guest answers on this TCP port.", valueName: "n"))
    var port: Int?

    @Option(
        parsing: .remaining,
        help: ArgumentHelp(
            "This program says whether the guest came up; it has to be the last option.", valueName: "path"))
    var command: [String] = []

    @Option(
        help: ArgumentHelp("How long the guest has to come up, such as 90s, 5m or 1h. (default: 5m)", valueName: "time")
    )
    var timeout: DurationText?

    @Option(help: ArgumentHelp("The machine's memory in MiB. (default: 1024)", valueName: "mib"))
    var memory: Int?

    @Option(help: ArgumentHelp("How the clone is made. (default: qcow2; with --command auto)", valueName: "backend"))
    var backend: String?

    @Flag(help: "Also of what no publisher that this host trusts has signed; this is put on record.")
    var unsigned = false

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard [marker != nil, port != nil, !command.isEmpty].filter({ $0 }).count < 2 else {
            throw HostFailure(.usage, "wait for one thing: --marker, --port or --command")
        }
        var goal: HostRequest.ProbeMaster.Goal?
        if let marker { goal = .init(marker: marker) }
        if let port {
            guard let number = UInt16(exactly: port) else {
                throw HostFailure(.usage, "there is no port \(port); give one from 1 to 65535")
            }
            goal = .init(port: number)
        }
        if !command.isEmpty { goal = .init(command: command) }
        let order = HostRequest.ProbeMaster(
            master: try MasterReference(master), goal: goal, seconds: timeout?.seconds, memory: memory,
            backend: backend,
            unsigned: unsigned)
        guard case .probed(let report) = try await store.ask(.probeMaster(order), quiet: output.quiet) else {
            throw HostFailure.unexpectedReply
        }
        try output.print(
            report,
            fields: [
                "master": report.master, "verdict": report.passed ? "passed" : "failed", "code": report.code,
                "took": "\(report.seconds) s", "machine": report.machine,
            ])
        guard let reason = report.reason else { return }
        if output.format == .table, let log = report.log, !log.isEmpty { Terminal.data("\n\(log)") }
        let isLate = report.code == HostFailure.probeTimedOut
        throw HostFailure(isLate ? .timedOut : .verification, "\(report.master) did not pass its probe: \(reason)")
    }
}
