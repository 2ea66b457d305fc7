// SPDX-License-Identifier: Apache-2.0

import FleetAgent
import FleetProtocol

/// What a tracker ordered of this host, and how far it is, as `drover host orders` tells it.
package struct OrdersReport: Codable, Equatable, Sendable {
    package var schema = "drover/orders/v1"
    /// Names the fleet.
    package var fleet: String
    /// Which of the tracker's data are followed; `nil` before its first order.
    package var epoch: String?
    /// Others that were seen since and are not followed.
    package var strangeEpoch: String?
    /// Seconds since 1970: when the tracker was last heard; `nil` when no peer runs, or it was not heard yet.
    package var heardAt: Int64?
    /// Why it cannot be heard, or orders cannot be kept.
    package var problem: String?
    package var lines: [Line]

    /// The order about one line of masters.
    package struct Line: Codable, Equatable, Sendable {
        /// `NAME@VERSION`.
        package var master: String
        package var rollout: UInt64
        /// `nothing`, `stage`, `activate`, `probe` or `roll-back`.
        package var step: String
        /// How far this host is with it.
        package var phase: String
        /// Why it failed or is refused.
        package var code: String?
        package var log: String?
    }

    init(_ agent: FleetAgent, fleet: String, contactAt: Int64? = nil, _ problem: String? = nil) {
        self.fleet = fleet
        epoch = agent.epoch
        strangeEpoch = agent.strangeEpoch
        heardAt = contactAt
        self.problem = problem
        lines = agent.lines.sorted { $0.key < $1.key }.map { _, kept in
            Line(
                master: "\(kept.order.master)", rollout: kept.order.stamp.rollout, step: "\(kept.order.step)",
                phase: kept.phase.rawValue, code: kept.report?.code.map { "\($0)" }, log: kept.report?.log)
        }
    }
}
