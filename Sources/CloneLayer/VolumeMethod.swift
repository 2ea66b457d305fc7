// SPDX-License-Identifier: Apache-2.0

import DeviceLayer

/// How the volumes of clones are made in a group: what tells the two backends of logical volumes from each other.
protocol VolumeMethod: Sendable {
    var kind: CloneBackendKind { get }
    /// The device-mapper target that the kernel must have.
    var target: String { get }
    var store: VolumeStore { get }

    /// What clones cost in a group.
    /// - Parameter bytesForMaster: what the first clone takes for its master's volume.
    func facts(
        _ master: MasterImage?, bytesForMaster: Int64, in group: VolumeGroup, settings: CloneSettings
    ) -> CloneFacts

    /// Makes what clones in the group need besides their master's volume, where it is not there.
    func prepare(_ group: String) throws(CloneError)

    /// Makes a clone's volume over its master's.
    func make(_ id: VolumeID, _ artefact: CloneArtefact, of master: MasterImage) throws(DeviceError)

    /// The condition of a clone whose volume is there and active.
    func condition(of volume: Volume, _ all: [String: Volume]) -> CloneCondition

    /// Takes away what ``prepare(_:)`` made once no clone needs it.
    /// - Returns: the paths of what was removed.
    func removeUnused(in group: String) throws(CloneError) -> [String]
}
