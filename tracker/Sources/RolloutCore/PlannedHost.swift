// SPDX-License-Identifier: Apache-2.0

/// A host's place in a plan.
package struct PlannedHost: Equatable, Sendable, Codable {
    /// How the host stands before anything started.
    package enum Standing: Equatable, Sendable, Codable {
        /// It takes part.
        case ready
        /// The version is active there already.
        case already
        /// It is offline; it takes part in the last wave if it comes back in time.
        case offline
        case blocked(reason: BlockReason)
    }

    package let name: HostName
    package let standing: Standing
    /// The version to go back to; `nil` when the host has no active version of the line.
    package let previous: UInt64?
    /// What it would fetch: nothing when it holds the version already.
    package let bytesToMove: UInt64

    var initialState: HostState {
        switch standing {
        case .ready: .pending
        case .already: .already
        case .offline: .deferredOffline
        case .blocked(let reason): .blocked(reason: reason)
        }
    }
}
