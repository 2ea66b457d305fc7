// SPDX-License-Identifier: Apache-2.0

/// What is rolled out and to whom.
package struct RolloutTarget: Equatable, Sendable, Codable {
    package let master: MasterReference
    /// Bytes that the image takes on disk: what a host needs room for and fetches, without all-zero pieces.
    package let imageBytes: UInt64
    /// The smallest version that the master may follow, when it says so.
    package let followsAtLeast: UInt64?
    package let selector: HostSelector

    package init(
        master: MasterReference, imageBytes: UInt64, followsAtLeast: UInt64? = nil, selector: HostSelector = .all
    ) {
        self.master = master
        self.imageBytes = imageBytes
        self.followsAtLeast = followsAtLeast
        self.selector = selector
    }
}
