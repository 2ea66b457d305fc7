// SPDX-License-Identifier: Apache-2.0

/// What a probe came to.
package struct ProbeOutcome: Equatable, Sendable {
    /// Why a probe was not passed. The raw values are reason codes of the fleet.
    package enum Code: String, Sendable {
        /// The machine could not be started.
        case notStarted = "probe-not-started"
        /// It started and did not come to what was awaited.
        case failed = "probe-failed"
        /// It was not done in its time.
        case timedOut = "probe-timed-out"
    }

    package struct Failure: Equatable, Sendable {
        package let code: Code
        /// One sentence that says what happened.
        package let reason: String
    }

    /// `nil` when the guest came up.
    package let failure: Failure?
    package let took: Duration
    /// What ran the guest's processor, `kvm` or `tcg`; or `command`.
    package let machine: String
    /// The last of what the guest said on its serial console, or of what the command printed, without control characters.
    package let log: String
}
