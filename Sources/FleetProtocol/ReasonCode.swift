// SPDX-License-Identifier: Apache-2.0

/// Why something was refused, failed or does not go on: the one list that the API, the command line and the console
/// share. A code never changes its meaning.
package struct ReasonCode: OpenWord {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    // Steps that failed on a host.
    package static let noSpace = Self(rawValue: "no-space")
    package static let noSources = Self(rawValue: "no-sources")
    package static let networkFailed = Self(rawValue: "network-failed")
    package static let diskFailed = Self(rawValue: "disk-failed")
    package static let verifyFailed = Self(rawValue: "verify-failed")
    package static let untrusted = Self(rawValue: "untrusted")
    package static let incompatible = Self(rawValue: "incompatible")
    package static let storeBusy = Self(rawValue: "store-busy")
    package static let registerFailed = Self(rawValue: "register-failed")
    package static let notStaged = Self(rawValue: "not-staged")
    package static let activateFailed = Self(rawValue: "activate-failed")
    package static let probeNotStarted = Self(rawValue: "probe-not-started")
    package static let probeFailed = Self(rawValue: "probe-failed")
    package static let probeTimedOut = Self(rawValue: "probe-timed-out")
    package static let cloneFailed = Self(rawValue: "clone-failed")
    package static let masterDamaged = Self(rawValue: "master-damaged")
    package static let nothingToReturnTo = Self(rawValue: "nothing-to-return-to")
    package static let rollbackFailed = Self(rawValue: "rollback-failed")
    package static let unknownOrder = Self(rawValue: "unknown-order")
    package static let epochChanged = Self(rawValue: "epoch-changed")
    package static let `internal` = Self(rawValue: "internal")
    package static let unrecognised = Self(rawValue: "unrecognised")
    // Why a host takes no part.
    package static let pinned = Self(rawValue: "pinned")
    package static let drained = Self(rawValue: "drained")
    package static let denied = Self(rawValue: "denied")
    package static let offline = Self(rawValue: "offline")
    package static let already = Self(rawValue: "already")
    // Why a rollout is paused.
    package static let `operator` = Self(rawValue: "operator")
    package static let canaryGate = Self(rawValue: "canary-gate")
    package static let errorThreshold = Self(rawValue: "error-threshold")
    package static let stalled = Self(rawValue: "stalled")
    package static let windowClosed = Self(rawValue: "window-closed")
    package static let trustExpired = Self(rawValue: "trust-expired")
    package static let capacity = Self(rawValue: "capacity")
    package static let restored = Self(rawValue: "restored")
    package static let revoked = Self(rawValue: "revoked")
    // Why a request is refused.
    package static let malformed = Self(rawValue: "malformed")
    package static let tooLarge = Self(rawValue: "too-large")
    package static let unauthenticated = Self(rawValue: "unauthenticated")
    package static let forbidden = Self(rawValue: "forbidden")
    package static let notFound = Self(rawValue: "not-found")
    package static let conflict = Self(rawValue: "conflict")
    package static let ended = Self(rawValue: "ended")
    package static let wrongPhase = Self(rawValue: "wrong-phase")
    package static let unknownHost = Self(rawValue: "unknown-host")
    package static let planHasProblems = Self(rawValue: "plan-has-problems")
    package static let secondPersonNeeded = Self(rawValue: "second-person-needed")
    package static let canariesBusy = Self(rawValue: "canaries-busy")
    package static let logFull = Self(rawValue: "log-full")
    package static let busy = Self(rawValue: "busy")

    package static let known: [Self] = explanations.map { Self(rawValue: $0.key) }

    /// What it means, as a sentence; `nil` for a code that this program does not know.
    package var explanation: String? { Self.explanations.first { $0.key == rawValue }?.value }

    private static let explanations: KeyValuePairs<String, String> = [
        "no-space": "There is not enough free space for the image and the headroom.",
        "no-sources": "No peer that can be reached has what is missing.",
        "network-failed": "Connections broke or could not be made.",
        "disk-failed": "The disk gives errors.",
        "verify-failed": "What arrived is not what the signed statement says.",
        "untrusted": "The master is not signed as this host demands, or the statement has expired.",
        "incompatible": "The master does not suit this host or may not follow the version that it has.",
        "store-busy": "Another step is using the store.",
        "register-failed": "The verified image could not be made a master of the store.",
        "not-staged": "The master is not in the store.",
        "activate-failed": "The active version could not be changed.",
        "probe-not-started": "The probe's machine could not be started.",
        "probe-failed": "The probe's machine started and did not come to what was awaited.",
        "probe-timed-out": "The probe did not end in its time.",
        "clone-failed": "Clones of the master cannot be made.",
        "master-damaged": "The master was found damaged after it was activated.",
        "nothing-to-return-to": "The version to go back to is no longer there.",
        "rollback-failed": "The version before could not be made active again.",
        "unknown-order": "The order asks for a step that this host does not know: update its program.",
        "epoch-changed": "The tracker's data were restored from an older copy, and the host waits for confirmation.",
        "internal": "The program is at fault; its log says more.",
        "unrecognised": "A newer program gave a code that this one does not know.",
        "pinned": "An operator wants the host to stay with the version that it has.",
        "drained": "The host is drained.",
        "denied": "The version is on the host's deny list since it was rolled back there.",
        "offline": "The host has not been heard of lately.",
        "already": "The version is active there already.",
        "operator": "An operator paused the rollout.",
        "canary-gate": "The canaries are healthy, and somebody has to promote the rollout.",
        "error-threshold": "More hosts failed than are tolerated.",
        "stalled": "There is nothing left that could go on by itself.",
        "window-closed": "The maintenance window is closed.",
        "trust-expired": "The signed statement about the master has expired.",
        "capacity": "Too many hosts have no room for the image.",
        "restored": "The tracker's data were restored from a backup, and the hosts may be further than these say.",
        "revoked": "The master's publishers have withdrawn it.",
        "malformed": "The request cannot be read.",
        "too-large": "The request is larger than is taken.",
        "unauthenticated": "Nobody is known by these credentials.",
        "forbidden": "The credentials do not allow this.",
        "not-found": "There is no such thing.",
        "conflict": "Something else has happened meanwhile.",
        "ended": "The rollout is over.",
        "wrong-phase": "The rollout is not that far, or further.",
        "unknown-host": "The host is not part of the rollout.",
        "plan-has-problems": "The plan cannot be started as it is.",
        "second-person-needed": "Somebody else than whoever started the rollout has to approve it.",
        "canaries-busy": "The canaries have not settled.",
        "log-full": "The rollout's log is full.",
        "busy": "There is too much to do at the moment; try again a little later.",
    ]
}
