// SPDX-License-Identifier: Apache-2.0

/// Where a wave is. Wave 0 is that of the canaries.
package enum WaveState: String, CaseIterable, Sendable, Codable {
    case waiting
    /// Its turn has come; none of its hosts has been told to activate yet.
    case eligible
    case activating
    /// None of its hosts is activating or probing any more, and some soak.
    case soaking
    case passed
    /// More hosts failed than are tolerated.
    case failed
    /// None of its hosts could be tried.
    case skipped

    /// Whether the next wave may have begun.
    var isOver: Bool { self == .passed || self == .skipped }
}
