// SPDX-License-Identifier: Apache-2.0

/// Where a rollout is. A pause is not a phase: it holds the phase it happens in, see ``Rollout/pause``.
package enum RolloutPhase: String, CaseIterable, Sendable, Codable {
    case draft
    case planned
    case awaitingApproval = "awaiting-approval"
    case scheduled
    case staging
    case canary
    case rolling
    case rollingBack = "rolling-back"
    case rejected
    case succeeded
    case succeededWithExceptions = "succeeded-with-exceptions"
    case rolledBack = "rolled-back"
    case aborted
    case superseded

    /// Whether nothing happens any more by itself.
    package var isTerminal: Bool {
        switch self {
        case .rejected, .succeeded, .succeededWithExceptions, .rolledBack, .aborted, .superseded: true
        case .draft, .planned, .awaitingApproval, .scheduled, .staging, .canary, .rolling, .rollingBack: false
        }
    }

    /// Whether hosts are being staged or activated, which a pause holds.
    package var isForward: Bool { self == .staging || self == .canary || self == .rolling }

    /// Whether it ended as it should, so that hosts which come later follow.
    package var isSuccess: Bool { self == .succeeded || self == .succeededWithExceptions }

    /// Whether nothing was begun yet.
    var isBefore: Bool { self == .draft || self == .planned || self == .awaitingApproval || self == .scheduled }
}
