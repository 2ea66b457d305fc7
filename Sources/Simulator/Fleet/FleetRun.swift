// SPDX-License-Identifier: Apache-2.0

import RolloutCore

/// One of a fleet's rollouts: the live machine, its log, and what the log says when it is counted by other means.
struct FleetRun {
    var rollout: Rollout
    var log: [RolloutEvent]
    var oracle = FleetOracle()

    init(log: [RolloutEvent]) throws {
        guard let rollout = try Rollout.fold(log) else { throw Refusal.planHasProblems([]) }
        self.rollout = rollout
        self.log = log
        oracle.take(log)
    }
}
