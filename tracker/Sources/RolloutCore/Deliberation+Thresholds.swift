// SPDX-License-Identifier: Apache-2.0

/// When failures stop a rollout.
extension Deliberation {
    mutating func stopOnFailures() {
        guard rollout.phase.isForward else { return }
        stopOnStaging()
        for number in 0...rollout.currentWave where rollout.waves[number].state != .failed && isTripped(number) {
            stopOnWave(number)
            guard rollout.phase.isForward else { return }
        }
    }

    /// Too many hosts could not be staged. Nothing was broken by it, so nothing goes back.
    private mutating func stopOnStaging() {
        let stage = rollout.stageTally
        guard stage.failed - stage.tolerated > rollout.settings.tolerated(of: stage.attempted),
            stage.attempted >= rollout.settings.minimumSample
        else { return }
        let reason: PauseReason = stage.withoutRoom * 2 > stage.failed ? .capacity : .errorThreshold
        // Whoever ends another pause meets this one.
        guard rollout.pause.map({ $0.reason.isHold }) ?? true else { return }
        pause(reason, "\(stage.failed) of \(stage.attempted) hosts could not be staged")
    }

    private func isTripped(_ number: Int) -> Bool {
        let (wave, settings) = (rollout.waves[number], rollout.settings)
        let failures = wave.tally.failed - wave.tolerated
        guard number > 0 else { return failures > 0 }
        guard failures > settings.tolerated(of: wave.tally.attempted) else { return false }
        return wave.tally.attempted >= settings.minimumSample || wave.tally.isSettled
    }

    private mutating func stopOnWave(_ number: Int) {
        let tally = rollout.waves[number].tally
        let isOver = rollout.waves[number].state.isOver
        let explanation =
            "\(tally.failed) of \(tally.attempted) hosts of \(number == 0 ? "the canaries" : "wave \(number)") failed"
        emit(.wave(number: number, .failed), by: .tracker, reason: explanation)
        // What fails long after others have followed says little about them: an operator decides.
        let isLate = number < rollout.currentWave || (number > 0 && isOver)
        switch rollout.settings.onError {
        case _ where isLate: break
        case .rollbackAll: return returnAll(by: .tracker, explanation)
        case .rollback: returnWave(number, explanation)
        case .pause: if number == 0 { returnWave(number, explanation) }
        }
        // It replaces any other reason: the others would end without anybody having looked at this.
        pause(.errorThreshold, explanation)
    }
}

extension RolloutSettings {
    /// How many failures are tolerated of so many hosts that were tried.
    func tolerated(of attempted: Int) -> Int { max(toleratedFailures, attempted * toleratedPercent / 100) }
}
