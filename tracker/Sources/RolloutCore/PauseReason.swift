// SPDX-License-Identifier: Apache-2.0

/// Why a rollout is paused.
package enum PauseReason: String, CaseIterable, Sendable, Codable {
    case `operator`
    /// The canaries are healthy, and somebody has to promote the rollout.
    case canaryGate = "canary-gate"
    case errorThreshold = "error-threshold"
    /// There is nothing left that could go on by itself.
    case stalled
    case windowClosed = "window-closed"
    case trustExpired = "trust-expired"
    /// Too many hosts have no room for the image.
    case capacity
    /// The tracker's data were restored from a backup, and hosts may be further than these say.
    case restored

    /// Whether it lasts while something outside lasts, and ends by itself with it.
    package var isHold: Bool { self == .windowClosed || self == .trustExpired }
}
