// SPDX-License-Identifier: Apache-2.0

/// Rollouts, the newest first, a page at a time.
package struct RolloutListDocument: Codable, Equatable, Sendable {
    package struct Entry: Codable, Equatable, Sendable {
        package var rollout: UInt64
        package var master: String
        package var selector: String
        package var phase: RolloutStatusDocument.Phase
        package var pause: ReasonCode?
        package var since: String

        package init(
            rollout: UInt64, master: String, selector: String, phase: RolloutStatusDocument.Phase, pause: ReasonCode?,
            since: String
        ) {
            self.rollout = rollout
            self.master = master
            self.selector = selector
            self.phase = phase
            self.pause = pause
            self.since = since
        }
    }

    package var version = FleetVersion.current
    package var rollouts: [Entry]
    /// Where the next page begins; `nil` after the last.
    package var next: String?

    package init(rollouts: [Entry], next: String?) {
        self.rollouts = rollouts
        self.next = next
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(FleetVersion.self, forKey: .version)
        rollouts = try container.list(.rollouts, limit: FleetLimits.page)
        next = try container.textIfPresent(.next)
    }
}
