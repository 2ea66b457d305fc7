// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FoundationEssentials
import RolloutCore

/// What operators are shown of rollouts.
extension RolloutPlanDocument {
    init(_ plan: RolloutPlan, rollout: UInt64?) {
        self.init(
            rollout: rollout, master: "\(plan.target.master)", selector: "\(plan.target.selector)",
            waves: plan.waves.map { $0.map(Host.init) }, aside: plan.aside.map(Host.init),
            bytesToMove: plan.bytesToMove,
            prediction: plan.prediction.map {
                Prediction(staging: $0.staging.seconds, earliest: $0.earliest.seconds, latest: $0.latest.seconds)
            }, problems: plan.problems.map(\.description))
    }
}

extension RolloutPlanDocument.Host {
    init(_ host: PlannedHost) {
        let code: ReasonCode? =
            switch host.standing {
            case .ready: nil
            case .already: .already
            case .offline: .offline
            case .blocked(let reason): ReasonCode(rawValue: reason.rawValue)
            }
        self.init(
            name: "\(host.name)", bytesToMove: host.bytesToMove, active: host.previous.flatMap(Int.init(exactly:)),
            code: code)
    }
}

extension RolloutStatusDocument {
    init(_ rollout: Rollout, clones: [String: Int]) {
        let summary = rollout.summary
        var waves = rollout.waves.enumerated().map { number, wave in
            Wave(number: number, state: wave.state.rawValue, hosts: [:])
        }
        var failures: [String: Int] = [:]
        for host in rollout.hosts {
            waves[host.wave].hosts[host.state.kind.rawValue, default: 0] += 1
            if case .failed(let failure) = host.state { failures[failure.code.rawValue, default: 0] += 1 }
            if case .timedOut = host.state { failures[host.state.kind.rawValue, default: 0] += 1 }
        }
        self.init(
            rollout: rollout.number, master: "\(rollout.target.master)", selector: "\(rollout.target.selector)",
            phase: Phase(rawValue: rollout.phase.rawValue), since: rollout.phaseSince.text,
            pause: rollout.pause.map {
                Pause(
                    code: ReasonCode(rawValue: $0.reason.rawValue), by: "\($0.by)", since: $0.since.text,
                    explanation: $0.explanation)
            }, wave: rollout.currentWave, waves: waves,
            hosts: Dictionary(uniqueKeysWithValues: summary.counts.map { ($0.key.rawValue, $0.value) }),
            failures: failures,
            blocked: Dictionary(uniqueKeysWithValues: summary.blocked.map { ($0.key.rawValue, $0.value) }),
            clones: clones, nextBy: rollout.nextDeadline?.text, sequence: rollout.sequence)
    }
}

extension RolloutListDocument.Entry {
    init(_ rollout: Rollout) {
        self.init(
            rollout: rollout.number, master: "\(rollout.target.master)", selector: "\(rollout.target.selector)",
            phase: RolloutStatusDocument.Phase(rawValue: rollout.phase.rawValue),
            pause: rollout.pause.map { ReasonCode(rawValue: $0.reason.rawValue) }, since: rollout.phaseSince.text)
    }
}

extension RolloutWhyDocument {
    init(_ rollout: Rollout, _ host: HostRecord, _ explanation: Explanation) {
        var (code, log): (ReasonCode?, String?) = (nil, nil)
        var holders: [HostName] = []
        switch explanation {
        case .failed(let failure, _, _, let place): (code, log) = (ReasonCode(rawValue: failure.rawValue), place)
        case .waitingForRetry(let failure, _, _): code = ReasonCode(rawValue: failure.rawValue)
        case .blocked(let reason): code = ReasonCode(rawValue: reason.rawValue)
        case .paused(let reason, _, _, _): code = ReasonCode(rawValue: reason.rawValue)
        case .offline: code = .offline
        case .waitingForWave(_, _, let names), .waitingForSlot(let names, _): holders = names
        case .settled, .notRunning, .working, .timedOut, .skipped: break
        }
        self.init(
            rollout: rollout.number, host: "\(host.name)", wave: host.wave, state: host.state.kind.rawValue,
            explanation: "\(explanation)", code: code, attempt: host.attempt, since: host.since.text,
            until: host.deadline?.text, holders: holders.map(\.description), log: log)
    }
}

extension Instant {
    /// - Parameter seconds: since 1970, as the storage has them.
    init(seconds: Int64) {
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        self.init(milliseconds: overflow ? (seconds < 0 ? .min : .max) : milliseconds)
    }

    /// UTC, in the form `2026-01-31T12:00:00Z`.
    var text: String { Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601) }
}

extension Span {
    fileprivate var seconds: Double { Double(milliseconds) / 1000 }
}
