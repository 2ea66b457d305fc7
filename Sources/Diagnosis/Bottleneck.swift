// SPDX-License-Identifier: Apache-2.0

/// What a fetch waits for most. The raw values stand in reports and never change their meaning.
package enum Bottleneck: String, CaseIterable, Codable, Sendable {
    /// The master is there.
    case nothing
    case noSpace = "no-space"
    /// The fetch has stopped for another reason.
    case stopped
    /// No tracker answers, and nobody is known.
    case tracker
    /// Nobody has what is missing.
    case noSources = "no-sources"
    /// Those who have it serve others first.
    case choked
    /// The cap on what this host receives.
    case cap
    /// The cap on what is staged for a rollout.
    case stagingCap = "staging-cap"
    case disk
    case hashing
    /// This host's own link.
    case network
    /// What the others send, or what lies between them and this host.
    case sources
    /// A rollout has it wait for its turn.
    case waiting
    /// The fetch has begun a moment ago.
    case starting
}
