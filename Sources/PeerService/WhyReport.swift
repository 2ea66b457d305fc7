// SPDX-License-Identifier: Apache-2.0

package import Diagnosis

/// Why masters are not here faster, as `drover why` tells it. Version 1 of the schema: fields may be added, none changes
/// its meaning.
package struct WhyReport: Codable, Equatable, Sendable {
    /// One master that is being fetched, or that a rollout is about.
    package struct Entry: Codable, Equatable, Sendable {
        /// `NAME@VERSION`.
        package var master: String
        /// As ``StatusReport/Entry/state``; `ordered` for one that a rollout is about and that is not being fetched.
        package var state: String
        package var size: Int64
        package var bytesVerified: Int64
        /// Bytes a second.
        package var downloadRate: Int64
        /// When it is complete if it goes on like this, in seconds from now.
        package var eta: TimeRange?
        package var diagnosis: Diagnosis
        /// Bytes by where they came from: `rack`, `peer`, `web-seed`, and `local` for those that needed no transfer.
        package var origins: [String: Int64]
    }

    package var schema = "drover/why/v1"
    package var entries: [Entry]
}

/// A span of time that is not known better than this, in seconds.
package struct TimeRange: Codable, Equatable, Sendable {
    package var least: Int64
    package var most: Int64

    /// How long the rest takes at a rate that was measured over a few seconds; `nil` while nothing comes.
    init?(remaining: Int64, rate: Double) {
        guard remaining > 0, rate >= 1 else { return nil }
        // A swarm's rate wavers: it rises as more hosts have pieces to give, and falls at the end.
        let seconds = Double(remaining) / rate
        guard seconds < 1e9 else { return nil }
        least = Int64((seconds * 0.75).rounded(.up))
        most = Int64((seconds * 1.5).rounded(.up))
    }
}
