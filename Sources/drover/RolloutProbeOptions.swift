// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerService

/// How a host finds out that a master boots, when a rollout wants to know.
struct RolloutProbeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The guest prints this text on its serial console. (default: the last message of its cloud-init)",
            valueName: "text"))
    var probeMarker: String?

    @Option(help: ArgumentHelp("The guest answers on this TCP port.", valueName: "n"))
    var probePort: UInt16?

    @Option(
        help: ArgumentHelp(
            "This program says whether the guest came up, in the place of qemu, as for `drover clone probe --command`.",
            valueName: "path"))
    var probeCommand: String?

    @Option(
        help: ArgumentHelp("How long the guest has to come up, such as 90s, 5m or 1h. (default: 5m)", valueName: "time")
    )
    var probeTimeout: DurationText?

    @Option(help: ArgumentHelp("The machine's memory in MiB. (default: 1024)", valueName: "mib"))
    var probeMemory: Int?

    /// The master is the rollout's.
    var wish: HostRequest.RolloutProbe {
        get throws(HostFailure) {
            guard [probeMarker != nil, probePort != nil, probeCommand != nil].filter({ $0 }).count < 2 else {
                throw HostFailure(.usage, "wait for one thing: --probe-marker, --probe-port or --probe-command")
            }
            var goal: HostRequest.ProbeMaster.Goal?
            if let probeMarker { goal = .init(marker: probeMarker) }
            if let probePort { goal = .init(port: probePort) }
            if let probeCommand { goal = .init(command: [probeCommand]) }
            return HostRequest.RolloutProbe(goal: goal, seconds: probeTimeout?.seconds, memory: probeMemory)
        }
    }
}
