// SPDX-License-Identifier: Apache-2.0

/// Why a step failed on a host. The raw values are what hosts report, logs keep and people read; a value never changes
/// its meaning. What a code is called elsewhere (problem documents, the journal, exit codes) follows from it.
package enum FailureCode: String, CaseIterable, Sendable, Codable {
    // Staging.
    /// The disk is full, or would be. The host is set aside as blocked and goes on when there is room.
    case noSpace = "no-space"
    /// No peer has what is missing.
    case noSources = "no-sources"
    /// Connections broke or could not be made.
    case networkFailed = "network-failed"
    /// The disk gives errors.
    case diskFailed = "disk-failed"
    /// What arrived is not what the signed statement says.
    case verifyFailed = "verify-failed"
    /// The statement is not signed as this host demands, or has expired.
    case untrusted
    /// The master does not suit this host or may not follow what it has.
    case incompatible
    /// The store is in use by another step.
    case storeBusy = "store-busy"
    /// The verified image could not be made a master of the store.
    case registerFailed = "register-failed"
    // Activation.
    /// The master is no longer there.
    case notStaged = "not-staged"
    /// The pointer could not be moved.
    case activateFailed = "activate-failed"
    /// The probe's machine could not be started: no memory, no emulator.
    case probeNotStarted = "probe-not-started"
    /// The probe's machine started and did not come to what was awaited.
    case probeFailed = "probe-failed"
    /// The probe did not end in its time, by the host's own measure.
    case probeTimedOut = "probe-timed-out"
    /// Clones of the new master cannot be made.
    case cloneFailed = "clone-failed"
    /// The master was found damaged after it was activated.
    case masterDamaged = "master-damaged"
    // Rolling back.
    /// The version to go back to is no longer there.
    case nothingToReturnTo = "nothing-to-return-to"
    case rollbackFailed = "rollback-failed"
    // Any step.
    /// The host's program says it is at fault itself.
    case `internal`
    /// A code this tracker does not know, from a newer host.
    case unrecognised

    /// The code for what a host reported.
    package init(reported text: String) { self = Self(rawValue: text) ?? .unrecognised }

    /// Whether the same step may well succeed a little later, with nobody doing anything.
    package var isRetryable: Bool {
        switch self {
        case .noSources, .networkFailed, .storeBusy, .activateFailed, .probeNotStarted, .rollbackFailed: true
        case .noSpace, .diskFailed, .verifyFailed, .untrusted, .incompatible, .registerFailed, .notStaged,
            .probeFailed, .probeTimedOut, .cloneFailed, .masterDamaged, .nothingToReturnTo, .internal, .unrecognised:
            false
        }
    }

    /// What a failure of staging for this reason makes of a host: not failed but blocked, until that changes.
    var blocks: BlockReason? {
        switch self {
        case .noSpace: .noSpace
        case .untrusted: .untrusted
        case .incompatible: .incompatible
        default: nil
        }
    }
}
