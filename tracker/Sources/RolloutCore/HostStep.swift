// SPDX-License-Identifier: Apache-2.0

/// The steps in which a host may fail or run out of time.
package enum HostStep: String, CaseIterable, Sendable, Codable {
    case staging
    case verifying
    case activating
    case probing
    case soaking
    case rollingBack = "rolling-back"

    /// Whether the new version is not yet active on a host in this step.
    package var isStaging: Bool { self == .staging || self == .verifying }
}
