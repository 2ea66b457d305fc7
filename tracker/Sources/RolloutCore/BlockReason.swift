// SPDX-License-Identifier: Apache-2.0

/// Why a host takes no part in a rollout until something about it changes.
package enum BlockReason: String, CaseIterable, Sendable, Codable {
    case noSpace = "no-space"
    case pinned
    case drained
    case incompatible
    case untrusted
    /// The host went back from this version before, and its deny list names it until an operator clears it.
    case denied

    /// Whether a step that failed may have led to it.
    var isFailure: Bool { self == .noSpace || self == .incompatible || self == .untrusted }

    /// Whether operators want it so, and nothing stands in the host's way else.
    var isWish: Bool { self == .drained || self == .pinned }

    package var explanation: String {
        switch self {
        case .noSpace: "there is not enough free space for the image and the headroom"
        case .pinned: "the host is pinned to the version that it has"
        case .drained: "the host is drained"
        case .incompatible: "the master does not suit this host or may not follow the version that it has"
        case .untrusted: "the host does not trust the master, or the fleet does not trust the host"
        case .denied: "the version is on the host's deny list since it was rolled back there"
        }
    }
}
