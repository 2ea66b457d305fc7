// SPDX-License-Identifier: Apache-2.0

/// What is known of one fetch: where it stands, and what was measured over the last seconds.
package struct FetchEvidence: Equatable, Sendable {
    /// How a tracker answered the last announce.
    package enum TrackerState: Equatable, Sendable {
        case waiting
        case answering
        /// Why it failed, as a clause.
        case failing(String)
    }

    /// Bytes that are still to come, and those that are free on the store's file system.
    package var remaining: Int64
    package var free: Int64
    /// Bytes a second that were received, hashed and written.
    package var rate = 0.0
    /// The cap on what this host receives, and that on what it receives of masters that nobody waits for; bytes a second.
    package var cap: Double?
    package var stagingCap: Double?
    /// What the host's link carries, in bytes a second, where the kernel says it.
    package var link: Double?
    /// Connected peers, those that have something that is missing here, and those of them that serve this host.
    package var peers = 0
    package var holders = 0
    package var servers = 0
    /// Missing pieces, and those that no connected peer has.
    package var missingPieces = 0
    package var unavailablePieces = 0
    package var trackers: [TrackerState] = []
    /// The parts of the threads' time that went into hashing and into the disk, 0 to 1.
    package var hashing = 0.0
    package var disk = 0.0
    /// Whether what arrived fills all the memory there is for it, so that no more was asked for.
    package var isBackedUp = false

    package init(remaining: Int64, free: Int64) {
        self.remaining = remaining
        self.free = free
    }
}
