// SPDX-License-Identifier: Apache-2.0

/// Why a rollout does not do what was asked. Nothing has changed.
package enum Refusal: Error, Equatable, Sendable, CustomStringConvertible {
    case planHasProblems([PlanProblem])
    /// It is over.
    case ended(RolloutPhase)
    /// It is not that far, or further.
    case wrongPhase(RolloutPhase, command: String)
    case unknownHost(HostName)
    /// The host is excluded, or has nothing to try again.
    case hostCannot(HostName, HostState.Kind, command: String)
    /// A pause for this reason ends by promoting, or with its cause.
    case cannotResume(PauseReason)
    /// Whoever started it cannot approve it.
    case secondPersonNeeded
    /// The canaries are not settled.
    case canariesAreBusy([HostName])
    /// The request's key stands for another one of the same operator.
    case keyOfAnother
    case badSpan
    case textTooLong(limit: Int)
    case logFull
    case tooManyHosts

    package var description: String {
        switch self {
        case .planHasProblems(let problems): problems.map(\.description).joined(separator: " ")
        case .ended(let phase): "The rollout is over (\(phase.rawValue)): start a new one."
        case .wrongPhase(let phase, let command): "A rollout that is \(phase.rawValue) cannot \(command)."
        case .unknownHost(let host): "The host \(host) is not part of this rollout."
        case .hostCannot(let host, let state, let command):
            "The host \(host) is \(state.rawValue): it cannot \(command)."
        case .cannotResume(.canaryGate):
            "The canaries wait for a decision: promote the rollout, roll it back or abort it."
        case .cannotResume(let reason): "The pause lasts as long as its reason does: \(reason.rawValue)."
        case .canariesAreBusy(let hosts):
            "The canaries have not settled: wait for \(hosts.map(\.description).joined(separator: ", ")), or skip them."
        case .secondPersonNeeded: "Somebody else than whoever started the rollout has to approve it."
        case .keyOfAnother: "The request's key stands for another request about this rollout: choose a new key."
        case .badSpan: "The time must be more than nothing and at most \(RolloutLimits.longestSpan)."
        case .textTooLong(let limit): "The text is too long: \(limit) bytes are the most."
        case .logFull: "The rollout's log is full: roll it back, abort it or let it end, and start a new one."
        case .tooManyHosts: "The rollout has \(RolloutLimits.hosts) hosts, which are the most."
        }
    }
}
