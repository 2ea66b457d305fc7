// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import RolloutCore

extension FleetProblem {
    /// What a rollout refused, as the API says it.
    init(_ refusal: Refusal) {
        let (status, code): (Int, ReasonCode) =
            switch refusal {
            case .planHasProblems: (422, .planHasProblems)
            case .ended: (409, .ended)
            case .wrongPhase, .cannotResume, .hostCannot: (409, .wrongPhase)
            case .unknownHost: (404, .unknownHost)
            case .secondPersonNeeded: (403, .secondPersonNeeded)
            case .canariesAreBusy: (409, .canariesBusy)
            case .keyOfAnother: (409, .conflict)
            case .badSpan, .textTooLong: (422, .malformed)
            case .logFull, .tooManyHosts: (409, .logFull)
            }
        self.init(status: status, code: code, detail: refusal.description)
    }
}
