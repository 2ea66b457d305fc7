// SPDX-License-Identifier: Apache-2.0

/// What a host shall do about a line of masters: a whole wish, not a change, so that a host may keep it as its own and
/// carry it out with the tracker gone.
package struct HostOrder: Equatable, Sendable, Codable {
    package enum Step: String, CaseIterable, Sendable, Codable {
        /// Leave things as they are.
        case nothing
        /// Have the version in the store, verified and registered.
        case stage
        /// Have it and let it be what a bare name means.
        case activate
        /// That is known to be so, and the probe clone's outcome is awaited.
        case probe
        /// Be back on ``HostOrder/previous``, and keep the version on the deny list.
        case rollBack = "roll-back"
    }

    /// Which order it is, and how new. A host obeys none that is older than the newest it has seen, and none of another
    /// epoch before somebody has confirmed that.
    package struct Stamp: Hashable, Sendable, Codable {
        /// Names the tracker's data; another one after a backup was restored.
        package let epoch: String
        /// The rollout's number.
        package let rollout: UInt64
        /// The number of the decision from which the order follows. It grows over all rollouts of a tracker.
        package let order: UInt64

        package init(epoch: String, rollout: UInt64, order: UInt64) {
            self.epoch = epoch
            self.rollout = rollout
            self.order = order
        }
    }

    package internal(set) var stamp: Stamp
    package private(set) var step: Step
    package let master: MasterReference
    /// The version to go back to; `nil` when there was none, and no version is active afterwards.
    package let previous: UInt64?
    /// Whether a probe clone belongs to the activation. Once it is passed, and the tracker knows, it no longer does: then
    /// the host says that it is healthy.
    package let isProbed: Bool
    /// Whether the host may take the version off its deny list: an operator wants it tried again.
    package let clearsDenial: Bool
    /// The part of its link that staging may take.
    package let stageRatePercent: Int
    /// Whether this rollout may have made its version active on the host.
    package let isExposed: Bool

    /// What is left of it for a host that operators keep out: nothing is fetched or activated any more. A host that may have
    /// the version already ends what it began, and goes back with the others.
    package var resting: HostOrder {
        guard !isExposed, step == .stage || step == .activate else { return self }
        var order = self
        order.step = .nothing
        return order
    }

    /// The one order that stands for a host and a line of masters, of those that several rollouts of the line have for it.
    ///
    /// The newest rollout that wants anything has its way, but a version that is being rolled back is left before a newer
    /// one is staged. Where a newer rollout may have made its version active, an older one no longer has its own activated,
    /// whatever became of the newer one: only a rollback takes hosts back. The order is as new as the newest of them all:
    /// what it replaces may have been newer than it.
    package static func standing(among orders: [HostOrder]) -> HostOrder? {
        let reached = orders.lazy.filter(\.isExposed).map(\.stamp.rollout).max() ?? 0
        let wishes = orders.filter {
            $0.step == .rollBack || ($0.step != .nothing && $0.stamp.rollout >= reached)
        }
        var standing = newest(wishes) ?? newest(orders)
        if standing?.step == .stage, let back = newest(wishes.filter { $0.step == .rollBack }) { standing = back }
        guard var order = standing else { return nil }
        order.stamp = Stamp(
            epoch: order.stamp.epoch, rollout: order.stamp.rollout,
            order: orders.reduce(order.stamp.order) { max($0, $1.stamp.order) })
        return order
    }

    private static func newest(_ orders: [HostOrder]) -> HostOrder? {
        orders.max { $0.stamp.rollout < $1.stamp.rollout }
    }
}
