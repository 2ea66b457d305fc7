// SPDX-License-Identifier: Apache-2.0

/// What the tracker knows of a host when a rollout is planned, or when something about the host has changed. Versions
/// are those of the rollout's line of masters.
package struct FleetHost: Equatable, Sendable {
    package var name: HostName
    package var labels: [String: String]
    package var isOnline: Bool
    /// The version that a bare name means there; `nil` when the host has none.
    package var active: UInt64?
    /// Versions in the host's store, the active one included.
    package var held: Set<UInt64>
    /// The host's deny list.
    package var denied: Set<UInt64> = []
    package var freeBytes: UInt64
    /// The size of the file system that holds the store.
    package var capacityBytes: UInt64
    /// What the host's link carries, in bytes a second.
    package var linkRate = usualLinkRate
    package var isDrained = false
    /// Whether an operator wants the host to stay with the version it has.
    package var isPinned = false
    /// Whether the host has something else to do for now; such hosts come last.
    package var isBusy = false
    /// Whether the host was well before. Hosts that are not come last, in their turn, and are no canaries.
    package var isHealthy = true

    /// What the link of a host carries that does not say it: 1 Gbit/s.
    package static let usualLinkRate: UInt64 = 125_000_000

    /// What operators want of it that keeps it out.
    var keptOut: BlockReason? { isDrained ? .drained : isPinned ? .pinned : nil }

    /// The version that the host would go back to: the active one, unless that is itself one that it was to leave and could
    /// not. Then it is the newest one before it that it holds and may use.
    var returnVersion: UInt64? {
        guard let active, denied.contains(active) else { return active }
        return held.filter { $0 < active && !denied.contains($0) }.max() ?? active
    }

    package init(
        name: HostName, labels: [String: String] = [:], isOnline: Bool = true, active: UInt64? = nil,
        held: Set<UInt64> = [], freeBytes: UInt64, capacityBytes: UInt64
    ) {
        self.name = name
        self.labels = labels
        self.isOnline = isOnline
        self.active = active
        self.held = held
        self.freeBytes = freeBytes
        self.capacityBytes = capacityBytes
    }
}
