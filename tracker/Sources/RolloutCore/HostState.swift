// SPDX-License-Identifier: Apache-2.0

/// Where a host is in a rollout.
package enum HostState: Equatable, Sendable, Codable {
    case pending
    case staging
    /// All bytes are there; they are being synced and registered.
    case verifying
    case staged
    /// It was told to activate; `isTaken` once the host says that it has the order.
    case activating(isTaken: Bool)
    case probing
    /// Active and, where that is asked for, probed; healthy if it says so after this instant.
    case soaking(until: Instant)
    case healthy
    case failed(HostFailure)
    case timedOut(step: HostStep)
    /// Offline before it was activated.
    case deferredOffline
    case blocked(reason: BlockReason)
    /// An operator took it out; for good when excluded.
    case skipped(by: Actor, isExcluded: Bool)
    /// The version was active before.
    case already
    case rollingBack
    /// Back on the version before; `isAsked` unless the host did so by itself.
    case rolledBack(isAsked: Bool)
    /// No longer in the fleet, or no longer meant.
    case left

    /// The state without its particulars, under a name that is shown.
    package enum Kind: String, CaseIterable, Sendable, Codable {
        case pending, staging, verifying, staged, activating, probing, soaking, healthy, failed
        case timedOut = "timed-out"
        case deferredOffline = "deferred-offline"
        case blocked, skipped, already
        case rollingBack = "rolling-back"
        case rolledBack = "rolled-back"
        case left
    }

    package var kind: Kind {
        switch self {
        case .pending: .pending
        case .staging: .staging
        case .verifying: .verifying
        case .staged: .staged
        case .activating: .activating
        case .probing: .probing
        case .soaking: .soaking
        case .healthy: .healthy
        case .failed: .failed
        case .timedOut: .timedOut
        case .deferredOffline: .deferredOffline
        case .blocked: .blocked
        case .skipped: .skipped
        case .already: .already
        case .rollingBack: .rollingBack
        case .rolledBack: .rolledBack
        case .left: .left
        }
    }

    /// The step that the host is in the middle of.
    package var step: HostStep? {
        switch self {
        case .staging: .staging
        case .verifying: .verifying
        case .activating: .activating
        case .probing: .probing
        case .soaking: .soaking
        case .rollingBack: .rollingBack
        default: nil
        }
    }

    /// Whether operators keep the host out.
    var isKeptOut: Bool { if case .blocked(let reason) = self { reason.isWish } else { false } }

    /// Whether the host is waiting to try again.
    var retryAt: Instant? { if case .failed(let failure) = self { failure.retryAt } else { nil } }

    /// Whether the host was told to activate and has not come to an end of it: it holds what others wait for.
    var isActivation: Bool { step.map { !$0.isStaging && $0 != .rollingBack } ?? false }
}
