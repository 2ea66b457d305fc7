// SPDX-License-Identifier: Apache-2.0

/// The logs of rollouts, and the numbers by which hosts tell newer orders from older ones.
package protocol RolloutStorage: Sendable {
    /// Appends events to a rollout's log, which begins with the first append at sequence 0.
    /// - Parameters:
    ///   - sequence: how many events the caller has seen.
    ///   - isOpen: whether the rollout goes on after these.
    /// - Returns: how many events there are now.
    /// - Throws: ``StorageError/sequenceMoved(rollout:expected:actual:)`` when there are more or fewer.
    func append(
        _ events: [[UInt8]], to rollout: String, expecting sequence: Int, leavingOpen isOpen: Bool
    ) async throws(StorageError) -> Int
    /// A rollout's events in order, from the one after `sequence` on. Pages also end where they would become long.
    func events(
        of rollout: String, after sequence: Int, limit: Int
    ) async throws(StorageError) -> Page<StoredEvent, Int>
    func rollout(_ id: String) async throws(StorageError) -> StoredRollout?
    /// Rollouts in the order in which they began.
    func rollouts(
        after number: Int64?, onlyOpen: Bool, limit: Int
    ) async throws(StorageError) -> Page<StoredRollout, Int64>
    /// The next of the tracker's numbers: larger than any that was given out before, and never given out again.
    func drawNumber() async throws(StorageError) -> Int64

    /// Keeps something beside a rollout's log, such as the serial log of a probe that failed; the same name again replaces it.
    /// - Returns: whether there is such a rollout.
    func attach(_ bytes: [UInt8], named name: String, to rollout: String) async throws(StorageError) -> Bool
    func attachment(named name: String, of rollout: String) async throws(StorageError) -> [UInt8]?
    /// The names of a rollout's attachments.
    func attachments(of rollout: String) async throws(StorageError) -> [String]
}

/// One event of a rollout, in a form that is no business of the storage.
package struct StoredEvent: Equatable, Sendable {
    /// From 1, without gaps.
    package let sequence: Int
    package let bytes: [UInt8]

    package init(sequence: Int, bytes: [UInt8]) {
        self.sequence = sequence
        self.bytes = bytes
    }
}

/// A rollout in the list.
package struct StoredRollout: Equatable, Sendable {
    /// Its place in the order in which rollouts began.
    package let number: Int64
    package let id: String
    /// How many events it has.
    package let sequence: Int
    package let isOpen: Bool

    package init(number: Int64, id: String, sequence: Int, isOpen: Bool) {
        self.number = number
        self.id = id
        self.sequence = sequence
        self.isOpen = isOpen
    }
}
