// SPDX-License-Identifier: Apache-2.0

/// How a rollout goes about it. The defaults are what a fleet without wishes of its own gets.
package struct RolloutSettings: Equatable, Sendable, Codable {
    /// Which hosts try the master first.
    package enum Canaries: Equatable, Sendable, Codable {
        /// One in a hundred hosts, at least one and at most five.
        case automatic
        case count(Int)
        case named([HostName])
    }

    /// Which hosts boot a probe clone before they count as activated.
    package enum Probing: String, Sendable, Codable {
        case canaries
        case everyHost = "every-host"
        case nobody
    }

    /// What happens, beside the pause, when a wave has failed. A failed canary wave is always rolled back.
    package enum OnError: String, Sendable, Codable {
        case pause
        /// The hosts of the failed wave go back.
        case rollback
        /// All hosts go back, and the rollout ends.
        case rollbackAll = "rollback-all"
    }

    /// So many in so long a time.
    package struct RateLimit: Equatable, Sendable, Codable {
        package var percent: Int
        package var per: Span
        package init(percent: Int, per: Span) {
            self.percent = percent
            self.per = per
        }
    }

    package var canaries = Canaries.automatic
    /// Whether the waves begin by themselves once the canaries are healthy.
    package var isPromotedAutomatically = false
    /// Whether a second person must approve before anything starts.
    package var needsApproval = false
    /// `nil` for ``WaveSpec/standard``, of which small fleets leave out the waves that would be empty.
    package var waves: WaveSpec?
    /// When activation may go on; `nil` for at any time.
    package var windows: WeeklyWindows?
    /// How many hosts may be activating or probing at once.
    package var slots = 50
    package var probing = Probing.canaries
    package var onError = OnError.pause
    /// Whether hosts that went back from this version before are tried again, and take it off their deny lists.
    package var clearsDenials = false

    /// The part of a host's link that staging may take, in percent.
    package var stageRatePercent = 30
    /// Free space that must remain beside the image: at least this much, and this part of the file system.
    package var headroomBytes: UInt64 = 2 << 30
    package var headroomPercent = 3

    /// A wave fails when more hosts failed than ``toleratedFailures`` and than ``toleratedPercent`` of those it was
    /// tried on, which is looked at from the ``minimumSample``th on and at the wave's end. Of canaries none may fail.
    package var toleratedFailures = 1
    package var toleratedPercent = 5
    package var minimumSample = 5

    /// Staging without a new verified byte for so long has failed. There is no other limit to it.
    package var stageProgressLimit = Span.minutes(10)
    /// A host that is not heard of for so long is offline; one that is in the middle of being activated has failed.
    package var silenceLimit = Span.minutes(5)
    /// From the host's taking of the order to its pointer's being moved.
    package var activateLimit = Span.minutes(2)
    package var probeLimit = Span.minutes(5)
    /// How long a host must stay well before it counts as healthy.
    package var canarySoak = Span.minutes(10)
    package var waveSoak = Span.minutes(2)

    /// Attempts beyond the first, for codes that are worth it.
    package var retries = 3
    /// The wait before the first of them; it doubles each time, and a random part of it is waited.
    package var retryWait = Span.seconds(5)
    /// Retries of all hosts together.
    package var retryBudget = RateLimit(percent: 10, per: .minutes(10))

    enum CodingKeys: String, CodingKey {
        case canaries, isPromotedAutomatically, needsApproval, waves, windows, slots, probing, onError, clearsDenials
        case stageRatePercent, headroomBytes, headroomPercent, toleratedFailures, toleratedPercent, minimumSample,
            stageProgressLimit
        case silenceLimit, activateLimit, probeLimit, canarySoak, waveSoak, retries, retryWait, retryBudget
    }

    package init() {}

    /// What must stay free on a file system of this size, in bytes.
    package func headroom(ofCapacity capacity: UInt64) -> UInt64 {
        max(headroomBytes, capacity / 100 * UInt64(clamping: headroomPercent))
    }

    /// Everything that is wrong with these, in the order of the properties; none when they can be used.
    package var faults: [SettingsFault] {
        var faults: [SettingsFault] = []
        func check(_ holds: Bool, _ setting: String, _ demand: String) {
            if !holds { faults.append(SettingsFault(setting: setting, demand: demand)) }
        }
        func span(_ span: Span, _ setting: String) {
            check(
                (.seconds(1)...RolloutLimits.longestSpan).contains(span), setting,
                "must be from 1 s to \(RolloutLimits.longestSpan)")
        }
        switch canaries {
        case .automatic: break
        case .count(let count):
            check((1...RolloutLimits.canaries).contains(count), "canaries", "must be 1 to \(RolloutLimits.canaries)")
        case .named(let names):
            check(
                (1...RolloutLimits.canaries).contains(names.count) && Set(names).count == names.count, "canaries",
                "must be 1 to \(RolloutLimits.canaries) different hosts")
        }
        check((1...RolloutLimits.slots).contains(slots), "slots", "must be 1 to \(RolloutLimits.slots)")
        check((1...100).contains(stageRatePercent), "stage-rate", "must be 1 to 100 percent")
        check((0...90).contains(headroomPercent), "headroom", "must be 0 to 90 percent")
        check((0...RolloutLimits.hosts).contains(toleratedFailures), "tolerated-failures", "must not be negative")
        check((0...99).contains(toleratedPercent), "tolerated-percent", "must be 0 to 99 percent")
        check((1...RolloutLimits.hosts).contains(minimumSample), "minimum-sample", "must be 1 or more")
        span(stageProgressLimit, "stage-progress-limit")
        span(silenceLimit, "silence-limit")
        span(activateLimit, "activate-limit")
        span(probeLimit, "probe-limit")
        span(canarySoak, "canary-soak")
        span(waveSoak, "wave-soak")
        check((0...RolloutLimits.retries).contains(retries), "retries", "must be 0 to \(RolloutLimits.retries)")
        span(retryWait, "retry-wait")
        check((1...100).contains(retryBudget.percent), "retry-budget", "must be 1 to 100 percent of the hosts")
        span(retryBudget.per, "retry-budget")
        return faults
    }
}
