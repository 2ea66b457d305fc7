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

    /// How new an order is. A host obeys none that is older than the newest it has seen.
    package struct Stamp: Hashable, Comparable, Sendable, Codable {
        /// The generation of the tracker's data: greater after a backup was restored.
        package let epoch: UInt64
        /// The rollout's number.
        package let rollout: UInt64
        /// The event from which the order follows.
        package let order: UInt64

        package init(epoch: UInt64, rollout: UInt64, order: UInt64) {
            self.epoch = epoch
            self.rollout = rollout
            self.order = order
        }

        package static func < (left: Self, right: Self) -> Bool {
            (left.epoch, left.rollout, left.order) < (right.epoch, right.rollout, right.order)
        }
    }

    package let stamp: Stamp
    package let step: Step
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
}
