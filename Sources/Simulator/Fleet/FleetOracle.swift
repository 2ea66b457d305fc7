// SPDX-License-Identifier: Apache-2.0

import RolloutCore

/// What the log alone says, counted by other means than the machine's own: what its promises are held against.
struct FleetOracle {
    private(set) var tolerated: [Int: Int] = [:]
    private(set) var states: [HostName: HostState] = [:]
    private(set) var waves: [HostName: Int] = [:]
    private(set) var waveStates: [Int: WaveState] = [:]
    private(set) var waveCount = 2
    private(set) var attempted: Set<HostName> = []
    /// What outside holds activation, also that of hosts which follow after the end.
    private(set) var holds: Set<PauseReason> = []

    mutating func take(_ events: [RolloutEvent]) {
        for event in events {
            switch event.transition {
            case .planned(let planned, let aside):
                waveCount = max(2, planned.count)
                for (number, members) in planned.enumerated() { for host in members { waves[host.name] = number } }
                for host in aside { waves[host.name] = waveCount - 1 }
            case .joined(let host): waves[host.name] = waveCount - 1
            case .moved(let names, let wave): for name in names { waves[name] = wave }
            case .wave(let number, let state): waveStates[number] = state
            case .held(let reason): holds.insert(reason)
            case .lifted(let reason): holds.remove(reason)
            case .tolerated(let wave?, let failures): tolerated[wave] = failures
            case .hosts(let names, let state, _):
                for name in names {
                    states[name] = state
                    switch state {
                    case .activating(isTaken: false): attempted.insert(name)
                    case .staged, .left, .skipped: attempted.remove(name)
                    default: break
                    }
                }
            default: break
            }
        }
    }

    /// Failures and attempts of a wave.
    func count(_ wave: Int) -> (failed: Int, attempted: Int) {
        var (failed, tried) = (0, 0)
        for (name, place) in waves where place == wave {
            if attempted.contains(name) { tried += 1 }
            switch states[name] {
            case .failed(let failure) where failure.retryAt == nil:
                switch failure.step {
                case .activating, .probing, .soaking: failed += 1
                case .staging, .verifying, .rollingBack: break
                }
            case .timedOut(.activating), .timedOut(.probing), .timedOut(.soaking), .rolledBack(isAsked: false):
                failed += 1
            default: break
            }
        }
        return (failed, tried)
    }
}
