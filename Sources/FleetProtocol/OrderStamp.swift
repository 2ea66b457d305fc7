// SPDX-License-Identifier: Apache-2.0

/// Which order it is, and how new.
package struct OrderStamp: Codable, Hashable, Sendable {
    /// Names the tracker's data; another one after a backup was restored.
    package let epoch: String
    /// The rollout's number.
    package let rollout: UInt64
    /// Grows over all rollouts of a tracker: of two orders of one epoch about one line, the greater is the newer.
    package let order: UInt64

    package init(epoch: String, rollout: UInt64, order: UInt64) {
        self.epoch = epoch
        self.rollout = rollout
        self.order = order
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        epoch = try container.text(.epoch, limit: FleetLimits.wordBytes)
        rollout = try container.decode(UInt64.self, forKey: .rollout)
        order = try container.decode(UInt64.self, forKey: .order)
    }

    /// What an order is to a host that keeps another one about the same line.
    package enum Novelty: Equatable, Sendable {
        /// It takes the place of the one that is kept.
        case newer
        /// It is the one that is kept.
        case same
        /// It came late and is passed over.
        case older
        /// The tracker's data are not those that the host knows, so that nothing tells which order is newer. It is not
        /// obeyed before somebody has confirmed the change; the host says ``ReasonCode/epochChanged``.
        case otherEpoch
    }

    /// - Parameter kept: the stamp of the order that the host keeps; `nil` when it has none.
    package func novelty(after kept: OrderStamp?) -> Novelty {
        guard let kept else { return .newer }
        guard kept.epoch == epoch else { return .otherEpoch }
        return order > kept.order ? .newer : order == kept.order && rollout == kept.rollout ? .same : .older
    }
}
