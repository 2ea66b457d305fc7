// SPDX-License-Identifier: Apache-2.0

/// What the log says about one host.
package struct HostRecord: Equatable, Sendable {
    package let name: HostName
    /// The version to go back to.
    package internal(set) var previous: UInt64?
    package internal(set) var wave: Int
    package internal(set) var state: HostState
    /// When it came into this state.
    package internal(set) var since: Instant
    /// When it must have left this state.
    package internal(set) var deadline: Instant?
    /// How often it began, the first time included.
    package internal(set) var attempt = 0
    /// Verified bytes, as far as they were recorded.
    package internal(set) var bytes: UInt64 = 0
    /// Why it failed last, also when it has gone back since; `nil` when it did not, or was well afterwards.
    package internal(set) var lastFailure: FailureCode?
    var progressAt: Instant
    /// Whether it once had the whole master, verified and registered.
    var isStaged = false
    /// Whether its wave was tried on it: it counts in the denominator.
    var isAttempted = false
    /// How often it changed by what is known of it, where no attempts count that.
    var changes = 0
    /// The order by which the new version may have become active there, so that a rollback has to reach it; `nil` when
    /// it cannot be.
    var exposedBy: UInt64?
    /// Whether an operator wants the version tried again where it was rolled back before.
    var clearsDenial = false
    /// The decision from which its present order follows.
    var order: UInt64

    package var isExposed: Bool { exposedBy != nil }

    /// - Parameter order: the number of the decision that made it part of the rollout.
    init(_ planned: PlannedHost, wave: Int, order: UInt64, clearsDenial: Bool, at instant: Instant) {
        name = planned.name
        self.order = order
        self.clearsDenial = clearsDenial
        previous = planned.previous
        self.wave = wave
        state = planned.initialState
        since = instant
        progressAt = instant
    }

    /// Whether it goes back, or was to and did not: then it is neither begun again nor taken out.
    var isReturning: Bool {
        switch state {
        case .rollingBack, .timedOut(.rollingBack): true
        case .failed(let failure): failure.step == .rollingBack
        default: false
        }
    }

    /// The step its order asks for; a change of it is a new order.
    /// - Parameter isHeld: whether activation is held. Who did not activate in time may be back at any time, and must not
    ///   do it then.
    func orderedStep(isHeld: Bool) -> HostOrder.Step {
        switch state {
        case .timedOut(.activating) where isHeld: .nothing
        case .staging, .verifying, .staged, .timedOut(.staging), .timedOut(.verifying): .stage
        case .activating, .soaking, .healthy, .timedOut(.activating), .timedOut(.soaking): .activate
        case .probing, .timedOut(.probing): .probe
        case .rollingBack, .timedOut(.rollingBack): .rollBack
        case .pending, .failed, .deferredOffline, .blocked, .skipped, .already, .rolledBack, .left: .nothing
        }
    }
}
