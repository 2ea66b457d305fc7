// SPDX-License-Identifier: Apache-2.0

/// LVM as the clone layer uses it. It needs root, so it is a door of its own, like ``MappingAccess``.
///
/// All calls block. What is made carries tags, by which it is found again; new volumes are active.
package protocol VolumeAccess: Sendable {
    /// - Returns: `nil` when there is no such group.
    /// - Throws: ``DeviceError`` with `.denied` or `.unsupported`, among others.
    func group(_ name: String) throws(DeviceError) -> VolumeGroup?
    /// The volumes of a group, or of all when it is `nil`; without those that LVM keeps for itself.
    func volumes(in group: String?) throws(DeviceError) -> [Volume]
    /// Makes a volume of its own; what it held before is still in it.
    /// - Parameter bytes: rounded up to whole extents.
    /// - Throws: `.noSpace`, `.exists`, …
    func createLinear(_ id: VolumeID, bytes: Int64, tags: Set<String>) throws(DeviceError)
    /// Fills a volume with a file, and with zeros behind it; it is durable when this returns.
    func fill(_ id: VolumeID, from file: String) throws(DeviceError)
    /// Makes a snapshot with a store of its own.
    /// - Parameter bytes: of the store; `nil` for as much as it takes to hold all of the origin anew.
    func createSnapshot(_ id: VolumeID, of origin: String, bytes: Int64?, tags: Set<String>) throws(DeviceError)
    /// Makes a pool of thin volumes out of a part of what is free in the group.
    /// - Parameter percent: 1 to 100.
    func createPool(_ id: VolumeID, percentOfFree percent: Int, tags: Set<String>) throws(DeviceError)
    /// Makes a thin volume that reads `origin`, which is read-only and outside of the pool, where nothing was written.
    func createThin(_ id: VolumeID, over origin: String, in pool: String, tags: Set<String>) throws(DeviceError)
    func setActive(_ isActive: Bool, _ id: VolumeID) throws(DeviceError)
    /// Takes the right to write a volume away.
    func makeReadOnly(_ id: VolumeID) throws(DeviceError)
    func changeTag(of id: VolumeID, from old: String, to new: String) throws(DeviceError)
    func rename(_ id: VolumeID, to name: String) throws(DeviceError)
    /// Takes a volume away; one that is not there is no error.
    /// - Throws: `.busy` when it is open.
    func remove(_ id: VolumeID) throws(DeviceError)
}
