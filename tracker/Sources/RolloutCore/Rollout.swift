// SPDX-License-Identifier: Apache-2.0

/// One rollout: a master on its way to the hosts that were selected, staged everywhere at once and activated in waves.
///
/// The state is the fold of the log, and nothing else. ``decide(_:at:by:request:)`` says which events an input leads to,
/// ``apply(_:)`` adds them. Time and all that happens come in as parameters.
package struct Rollout: Equatable, Sendable {
    /// A pause and where it came from.
    package struct Pause: Equatable, Sendable {
        package let reason: PauseReason
        package let since: Instant
        package let by: Actor
        package let explanation: String?
    }

    /// The number the tracker gave it; later rollouts have greater ones.
    package internal(set) var number: UInt64
    /// Names the tracker's data from which orders follow.
    package internal(set) var epoch: String
    package internal(set) var target: RolloutTarget
    package internal(set) var settings: RolloutSettings
    var seed: UInt64
    package internal(set) var phase = RolloutPhase.draft
    /// When the present phase began.
    package internal(set) var phaseSince: Instant
    var phaseDeadline: Instant?
    package internal(set) var pause: Pause?
    /// Who asked for it to be started, when somebody else must approve.
    package internal(set) var startedBy: Actor?
    /// Whether hosts were ever told anything: from then on its orders, and their absence, mean something to them.
    package internal(set) var hasBegun = false
    /// Whether the publishers have withdrawn the master.
    package internal(set) var isRevoked = false
    /// What outside holds activation.
    var holds: [PauseReason] = []
    package internal(set) var waves: [WaveRecord] = []
    /// The wave whose turn it is; it stays the last one when all are over.
    package internal(set) var currentWave = 0
    /// In the order in which they came.
    package internal(set) var hosts: [HostRecord] = []
    var places: [HostName: Int] = [:]
    var stageTally = StageTally()
    var deadlines = DeadlineQueue()
    /// When retries were and will be, as far back as the budget looks; ascending.
    var retries: [Instant] = []
    var requests: [KnownRequest] = []
    /// What each of them asked for; a log from before that was written down does not say it.
    var knownRequests: [KnownRequest: String?] = [:]
    /// The last event's number: the length of the log.
    package internal(set) var sequence: UInt64 = 0
    /// The tracker-wide number of its creation.
    package internal(set) var createdOrder: UInt64 = 0
    /// The last decision's tracker-wide number.
    package internal(set) var latestOrder: UInt64 = 0
    /// The last event's time. Input that claims to be earlier counts as this.
    package internal(set) var latest: Instant

    init(
        number: UInt64, epoch: String, target: RolloutTarget, settings: RolloutSettings, seed: UInt64,
        at instant: Instant
    ) {
        self.number = number
        self.epoch = epoch
        self.target = target
        self.settings = settings
        self.seed = seed
        phaseSince = instant
        latest = instant
    }

    /// What the log says about a host; `nil` when it is none of this rollout's.
    package func host(_ name: HostName) -> HostRecord? { places[name].map { hosts[$0] } }

    /// When ``RolloutInput/tick`` must come at the latest; `nil` when nothing will happen by itself.
    package var nextDeadline: Instant? {
        guard let host = deadlines.first?.at, let phase = phaseDeadline else {
            return deadlines.first?.at ?? phaseDeadline
        }
        return min(host, phase)
    }

    /// Whether it is over or waits for somebody: nothing new is begun.
    package var isAtRest: Bool { phase.isTerminal || pause != nil }

    var isLogFull: Bool {
        sequence >= UInt64(hosts.count * RolloutLimits.eventsPerHost + RolloutLimits.eventsBesides)
    }
}
