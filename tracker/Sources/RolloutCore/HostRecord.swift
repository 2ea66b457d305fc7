// SPDX-License-Identifier: Apache-2.0

/// What the log says about one host.
package struct HostRecord: Equatable, Sendable {
    package let name: HostName
    /// The version to go back to.
    package let previous: UInt64?
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
    var progressAt: Instant
    /// Whether it once had the whole master, verified and registered.
    var isStaged = false
    /// Whether its wave was tried on it: it counts in the denominator.
    var isAttempted = false
    /// The order by which the new version may have become active there, so that a rollback has to reach it; `nil` when
    /// it cannot be.
    var exposedBy: UInt64?
    /// Whether an operator wants the version tried again where it was rolled back before.
    var clearsDenial = false
    /// The event from which its present order follows.
    var order: UInt64 = 0

    package var isExposed: Bool { exposedBy != nil }

    init(_ planned: PlannedHost, wave: Int, at instant: Instant) {
        name = planned.name
        previous = planned.previous
        self.wave = wave
        state = planned.initialState
        since = instant
        progressAt = instant
    }

    /// The step its order asks for; a change of it is a new order.
    var orderedStep: HostOrder.Step {
        switch state {
        case .staging, .verifying, .staged, .timedOut(.staging), .timedOut(.verifying): .stage
        case .activating, .soaking, .healthy, .timedOut(.activating), .timedOut(.soaking): .activate
        case .probing, .timedOut(.probing): .probe
        case .rollingBack, .timedOut(.rollingBack): .rollBack
        case .failed(let failure) where failure.step == .rollingBack: .rollBack
        case .pending, .failed, .deferredOffline, .blocked, .skipped, .already, .rolledBack, .left: .nothing
        }
    }
}
