// SPDX-License-Identifier: Apache-2.0

/// Tells hosts whether the tracker's data is still what they knew, or an older copy of it that was restored.
package protocol EpochStorage: Sendable {
    func epoch() async throws(StorageError) -> Epoch
    /// To be called once when a tracker begins to serve. Data that was copied since, as by a backup, begins a new epoch.
    /// - Parameter id: the new epoch's id, should one begin: fresh random bytes in hexadecimal.
    /// - Returns: the epoch that holds, and the one before if this call ended it.
    func settleEpoch(
        fresh id: String, at time: Int64
    ) async throws(StorageError) -> (epoch: Epoch, ended: Epoch?)
    /// Begins a new epoch, as when hosts know of newer orders than this tracker does.
    func beginEpoch(id: String, at time: Int64) async throws(StorageError) -> Epoch
}

/// A generation of the tracker's data. Copies of the same data that go different ways are in epochs of different ids.
package struct Epoch: Equatable, Sendable {
    /// Random, in hexadecimal.
    package let id: String
    /// From 1; the next epoch has the next number.
    package let number: Int64
    /// When it began.
    package let begun: Int64

    package init(id: String, number: Int64, begun: Int64) {
        self.id = id
        self.number = number
        self.begun = begun
    }
}
