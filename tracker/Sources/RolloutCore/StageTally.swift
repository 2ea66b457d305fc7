// SPDX-License-Identifier: Apache-2.0

/// How staging went, over all hosts.
struct StageTally: Equatable, Sendable {
    /// The denominator: hosts that were told to fetch the master. Those that are still at it count, for failing is quick
    /// and fetching is not.
    private(set) var attempted = 0
    /// Hosts that failed while staging, for good or until something changes.
    private(set) var failed = 0
    /// Those of them that have no room.
    private(set) var withoutRoom = 0
    /// Failures that an operator knows of and wants to go on with.
    var tolerated = 0

    mutating func forgive() { tolerated = min(tolerated, failed) }

    mutating func count(_ host: HostRecord, by change: Int) {
        if host.attempt > 0, host.state != .left { attempted += change }
        switch host.state {
        case .failed(let failure) where failure.retryAt == nil && failure.step.isStaging: failed += change
        case .timedOut(let step) where step.isStaging: failed += change
        // Hosts that were blocked before anything began are no failures, nor are those that an operator took out.
        case .blocked(let reason) where host.attempt > 0 && reason.isFailure:
            failed += change
            if reason == .noSpace { withoutRoom += change }
        default: break
        }
    }
}
