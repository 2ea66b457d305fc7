// SPDX-License-Identifier: Apache-2.0

extension RolloutPlan {
    /// The plan with which a log begins, without the prediction.
    /// - Returns: `nil` when these are not the first events of a log.
    package init?(log: [RolloutEvent]) {
        guard let created = log.first, case .created(_, _, let target, let settings, _) = created.transition,
            let planned = log.dropFirst().first, case .planned(let waves, let aside) = planned.transition
        else { return nil }
        self.init(target: target, settings: settings, waves: waves, aside: aside, prediction: nil, problems: [])
    }
}
