// SPDX-License-Identifier: Apache-2.0

/// The hosts of a wave by what they mean to it, kept up with every change so that no decision has to count.
struct WaveTally: Equatable, Sendable {
    /// What a host means to its wave.
    private enum Meaning { case preparing, ready, retrying, activating, soaking, healthy, failed, reverting, aside }

    /// Not staged yet, and may still be.
    private(set) var preparing = 0
    /// Staged: could be activated now.
    private(set) var ready = 0
    /// Failed while activating, and waiting to try again.
    private(set) var retrying = 0
    /// Activating or probing.
    private(set) var activating = 0
    private(set) var soaking = 0
    private(set) var healthy = 0
    /// Failed after they were told to activate, for good.
    private(set) var failed = 0
    private(set) var reverting = 0
    /// The denominator: those that were told to activate, but for those that left or were taken out.
    private(set) var attempted = 0

    /// Whether nothing of it will change by itself.
    var isSettled: Bool { preparing + ready + retrying + activating + soaking + reverting == 0 }
    /// Whether any host is on its way between being told to activate and its end.
    var isMoving: Bool { retrying + activating + soaking + reverting > 0 }

    mutating func count(_ host: HostRecord, by change: Int) {
        if host.isAttempted { attempted += change }
        switch Self.meaning(of: host.state) {
        case .preparing: preparing += change
        case .ready: ready += change
        case .retrying: retrying += change
        case .activating: activating += change
        case .soaking: soaking += change
        case .healthy: healthy += change
        case .failed: failed += change
        case .reverting: reverting += change
        case .aside: break
        }
    }

    private static func meaning(of state: HostState) -> Meaning {
        switch state {
        case .pending, .staging, .verifying: .preparing
        case .staged: .ready
        case .activating, .probing: .activating
        case .soaking: .soaking
        case .healthy: .healthy
        case .failed(let failure):
            if failure.retryAt != nil {
                failure.step.isStaging ? .preparing : failure.step == .rollingBack ? .reverting : .retrying
            } else {
                failure.step.isStaging || failure.step == .rollingBack ? .aside : .failed
            }
        case .timedOut(let step): step.isStaging || step == .rollingBack ? .aside : .failed
        case .rolledBack(let isAsked): isAsked ? .aside : .failed
        case .rollingBack: .reverting
        case .deferredOffline, .blocked, .skipped, .already, .left: .aside
        }
    }
}
