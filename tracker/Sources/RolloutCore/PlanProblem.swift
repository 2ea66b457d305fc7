// SPDX-License-Identifier: Apache-2.0

/// Why a plan cannot be started.
package enum PlanProblem: Error, Equatable, Sendable, CustomStringConvertible {
    case settings(SettingsFault)
    /// The selector means no host at all.
    case noHosts(HostSelector)
    /// All that the selector means are there already, offline or blocked.
    case nothingToDo(already: Int, offline: Int, blocked: Int)
    /// A wave that was asked for would have no host. Waves are counted from 1, the first one after the canaries.
    case emptyWave(Int, spec: WaveSpec, hosts: Int)
    /// The waves that were asked for end before the hosts do.
    case hostsLeft(Int, spec: WaveSpec)
    /// A host that was named as a canary takes no part.
    case canaryUnavailable(HostName)
    case tooManyHosts(Int)
    case tooManyWaves

    package var description: String {
        switch self {
        case .settings(let fault): fault.description
        case .noHosts(let selector):
            "No host matches “\(selector)”: look at the labels with “drover-tracker host list”, or choose others."
        case .nothingToDo(let already, let offline, let blocked):
            "Nothing would be done: of the hosts \(already) are there already, \(offline) are offline and \(blocked) are "
                + "blocked."
        case .emptyWave(let wave, let spec, let hosts):
            "Wave \(wave) of “\(spec)” would be empty, with \(hosts) hosts after the canaries: ask for fewer waves."
        case .hostsLeft(let count, let spec):
            "The waves “\(spec)” leave \(count) hosts out: add a wave, or an x after the last number to repeat it."
        case .canaryUnavailable(let name):
            "The canary \(name) takes no part: it is not among the hosts, offline, blocked or there already."
        case .tooManyHosts(let count):
            "There are \(count) hosts, and \(RolloutLimits.hosts) are the most for one rollout: select fewer."
        case .tooManyWaves: "There would be more than \(RolloutLimits.waves) waves: make them larger."
        }
    }
}
