// SPDX-License-Identifier: Apache-2.0

/// One entry of a rollout's log, which is all there is: the state is the fold of these.
///
/// Entries say what became of something, not what to decide from, so that a log means the same after the rules have
/// changed.
package struct RolloutEvent: Equatable, Sendable, Codable {
    /// The form of entries that this code writes; it reads no later one.
    package static let format = 1

    /// From 1, without gaps.
    package let sequence: UInt64
    /// The tracker-wide number of the decision, which orders that follow from it carry.
    package let order: UInt64
    package let at: Instant
    package let actor: Actor
    /// Why, in words, where the transition alone does not say it.
    package let reason: String?
    /// The request that asked for it, on the first event that came of it.
    package let request: String?
    /// What that request asked for, so that it is told from another one of the same key; older logs have it not.
    package let command: String?
    package let transition: Transition

    package init(
        sequence: UInt64, order: UInt64, at: Instant, actor: Actor, reason: String?, request: String?,
        command: String? = nil, transition: Transition
    ) {
        self.sequence = sequence
        self.order = order
        self.at = at
        self.actor = actor
        self.reason = reason
        self.request = request
        self.command = command
        self.transition = transition
    }

    private enum Key: String, CodingKey {
        case format, sequence, order, at, actor, reason, request, command, transition
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let format = try container.decode(Int.self, forKey: .format)
        guard format == Self.format else {
            throw DecodingError.dataCorruptedError(
                forKey: Key.format, in: container,
                debugDescription: "a rollout's event has the format \(format); this program knows \(Self.format)")
        }
        sequence = try container.decode(UInt64.self, forKey: .sequence)
        order = try container.decode(UInt64.self, forKey: .order)
        at = try container.decode(Instant.self, forKey: .at)
        actor = try container.decode(Actor.self, forKey: .actor)
        reason = try container.decodeIfPresent(String.self, forKey: .reason)
        request = try container.decodeIfPresent(String.self, forKey: .request)
        command = try container.decodeIfPresent(String.self, forKey: .command)
        transition = try container.decode(Transition.self, forKey: .transition)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Self.format, forKey: .format)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(order, forKey: .order)
        try container.encode(at, forKey: .at)
        try container.encode(actor, forKey: .actor)
        try container.encodeIfPresent(reason, forKey: .reason)
        try container.encodeIfPresent(request, forKey: .request)
        try container.encodeIfPresent(command, forKey: .command)
        try container.encode(transition, forKey: .transition)
    }
}
