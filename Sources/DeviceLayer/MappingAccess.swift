// SPDX-License-Identifier: Apache-2.0

/// Device-mapper as the clone layer uses it. It needs root, so it is a door of its own: a small process with that right
/// can stand behind it while whoever talks to the network has none.
///
/// All calls block.
package protocol MappingAccess: Sendable {
    /// The kinds of devices that the kernel can make, such as `snapshot`; modules that lie ready are loaded first.
    /// - Throws: ``DeviceError`` with `.denied` or `.unsupported`, among others.
    func targets() throws(DeviceError) -> Set<String>
    /// Every mapping of this host, those of others too.
    func mappings() throws(DeviceError) -> [Mapping]
    /// Makes a mapping, and the loop devices below it, which go with it.
    /// - Throws: `.exists`, `.notFound` for a file that is missing, `.unsupported`, …
    func add(_ plan: MappingPlan) throws(DeviceError)
    /// Takes a mapping away; one that is not there is no error.
    /// - Throws: `.busy` when it is open.
    func remove(_ name: MappingName) throws(DeviceError)
    /// Makes a thin device in a pool. One that is there under the number is made anew.
    func createThin(_ id: Int, in pool: MappingName) throws(DeviceError)
    /// Takes a thin device out of its pool; one that is not there is no error.
    func deleteThin(_ id: Int, in pool: MappingName) throws(DeviceError)
}
