// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import RolloutCore
import TrackerStorage

/// Requests to make a rollout that come a second time, because the first one's answer was lost. They are told by the log,
/// which is as durable as the rollout.
extension Fleet {
    /// Among how many of the newest rollouts a request's key is looked for.
    private static let creationsRemembered: UInt64 = 100

    static let keyOfAnother = FleetProblem(
        status: 409, code: .conflict,
        detail: "The request's key stands for a rollout of another master or of other settings: choose a new key.")

    /// The rollout that an operator's request made before.
    func creation(_ request: String?, by actor: Actor) async throws -> (number: UInt64, plan: RolloutPlan)? {
        guard let request else { return nil }
        let oldest = latestNumber - min(latestNumber, Self.creationsRemembered)
        var number = latestNumber
        while number > oldest {
            let first = try await beginning(of: number, events: 1)
            if let first = first.first, first.request == request, first.actor == actor {
                return RolloutPlan(log: try await beginning(of: number, events: 2)).map { (number, $0) }
            }
            number -= 1
        }
        return nil
    }

    private func beginning(of number: UInt64, events count: Int) async throws -> [RolloutEvent] {
        try await storage.events(of: "\(number)", after: 0, limit: count).elements.map {
            try EventCoding.event($0.bytes)
        }
    }
}
