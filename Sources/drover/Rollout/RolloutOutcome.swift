// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import PeerService

/// What has become of a rollout, as a script wants to know it.
enum RolloutOutcome: Equatable {
    case underWay
    case succeeded
    /// Hosts failed, were skipped or are missing.
    case partly
    /// Nothing goes on before somebody does something.
    case waitsForSomebody
    /// It was taken back, aborted, rejected or superseded.
    case endedOtherwise

    /// - Parameter isPauseFinal: whether a pause that does not end by itself, and a start that is awaited, count as the end
    ///   of a wait.
    init(_ status: RolloutStatusDocument, isPauseFinal: Bool) {
        switch status.phase {
        case .succeeded: self = .succeeded
        case .succeededWithExceptions: self = .partly
        case .rejected, .rolledBack, .aborted, .superseded: self = .endedOtherwise
        case .planned, .awaitingApproval: self = isPauseFinal ? .waitsForSomebody : .underWay
        default:
            guard isPauseFinal, let pause = status.pause, !Self.endsByItself(pause.code) else {
                self = .underWay
                return
            }
            self = Self.isAboutFailures(pause.code) ? .partly : .waitsForSomebody
        }
    }

    private static func endsByItself(_ code: ReasonCode) -> Bool { code == .windowClosed || code == .trustExpired }

    private static func isAboutFailures(_ code: ReasonCode) -> Bool {
        code == .errorThreshold || code == .stalled || code == .capacity
    }

    /// What the command ends with; `nil` for success.
    func failure(_ status: RolloutStatusDocument) -> HostFailure? {
        let name = "rollout \(status.rollout) of \(status.master)"
        let number = status.rollout
        switch self {
        case .succeeded: return nil
        case .underWay:
            return HostFailure(.timedOut, "\(name) is still \(status.phase); wait longer, or see to it")
        case .partly:
            guard let pause = status.pause else {
                return HostFailure(
                    .partial, "\(name) is done in part: it succeeded with exceptions, which its hosts' states show")
            }
            return HostFailure(
                .partial,
                "\(name) is done in part and paused (\(pause.code)): ask `drover rollout why`, then retry or skip hosts and "
                    + "`drover rollout resume \(number)`")
        case .waitsForSomebody:
            let what =
                switch (status.phase, status.pause?.code) {
                case (.planned, _): "begin it with `drover rollout start \(number)`"
                case (.awaitingApproval, _): "somebody else has to say `drover rollout approve \(number)`"
                case (_, ReasonCode.canaryGate?): "the canaries are well: `drover rollout promote \(number)`"
                default: "go on with `drover rollout resume \(number)`"
                }
            return HostFailure(.conflict, "\(name) waits for somebody; \(what)")
        case .endedOtherwise:
            return HostFailure(.failed, "\(name) was \(status.phase): the hosts' states show which version they have")
        }
    }
}
