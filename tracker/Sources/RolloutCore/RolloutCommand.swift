// SPDX-License-Identifier: Apache-2.0

/// What operators can ask of a rollout. All of it can be asked while the rollout is paused, and asking twice is like
/// asking once.
package enum RolloutCommand: Equatable, Sendable {
    case start
    case approve
    case reject
    case pause
    case resume
    /// Goes on from the canaries to the waves, whatever became of those that are settled.
    case promote
    /// Tries all hosts again that failed, timed out or have no room.
    case retryFailed
    /// The same for one host, which may also have been rolled back or skipped.
    case retryHost(HostName)
    /// Goes on without a host.
    case skipHost(HostName)
    /// The same, and it is not taken in again.
    case excludeHost(HostName)
    case rollBack
    case abort
    /// Gives a host, or all of them, more time for the step they are in.
    case extendDeadline(host: HostName?, by: Span)

    /// What logs and answers call it.
    package var name: String {
        switch self {
        case .start: "start"
        case .approve: "approve"
        case .reject: "reject"
        case .pause: "pause"
        case .resume: "resume"
        case .promote: "promote"
        case .retryFailed: "retry-failed"
        case .retryHost: "retry-host"
        case .skipHost: "skip-host"
        case .excludeHost: "exclude-host"
        case .rollBack: "rollback"
        case .abort: "abort"
        case .extendDeadline: "extend-deadline"
        }
    }

    /// The whole of it in words, by which a request that comes again is told from another one of its key.
    var text: String {
        switch self {
        case .retryHost(let host), .skipHost(let host), .excludeHost(let host): "\(name) \(host)"
        case .extendDeadline(let host, let span):
            "\(name) \(host.map(\.description) ?? "all") \(span.milliseconds)"
        case .start, .approve, .reject, .pause, .resume, .promote, .retryFailed, .rollBack, .abort: name
        }
    }
}
