// SPDX-License-Identifier: Apache-2.0

/// A step that failed on a host.
package struct HostFailure: Equatable, Sendable, Codable {
    package let code: FailureCode
    package let step: HostStep
    /// Which attempt it was, from 1.
    package let attempt: Int
    /// Where its log is, as the host says: opaque.
    package let log: String?
    /// When it is tried again; `nil` when it is not.
    package let retryAt: Instant?
}
