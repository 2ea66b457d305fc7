// SPDX-License-Identifier: Apache-2.0

import DeviceLayer

/// A snapshot of the master's volume for each clone, with room of its own. One whose room runs full is lost whole; it is
/// therefore large enough for all of the master unless another size was asked for.
struct SnapshotVolumes: VolumeMethod {
    let kind = CloneBackendKind.lvm
    let target = "snapshot"
    let store: VolumeStore

    init(site: CloneSite, volumes: any VolumeAccess) {
        store = VolumeStore(site: site, access: volumes, ending: "", keepsMasterInactive: false)
    }

    func facts(
        _ master: MasterImage?, bytesForMaster: Int64, in group: VolumeGroup, settings: CloneSettings
    ) -> CloneFacts {
        // With room for all of the master by default, rounded up to extents twice.
        let room = master.flatMap { SnapshotStore.size(forMasterOf: $0.size) } ?? 0
        return CloneFacts(
            sharesBlocks: true,
            bytesPerClone: master == nil ? 0 : (settings.storeSize ?? room) + 2 * group.extentSize,
            bytesOnce: bytesForMaster, bytesAvailable: group.free,
            summary: "a snapshot in the volume group \(group.name), with room of its own for what is written")
    }

    func prepare(_ group: String) throws(CloneError) {}

    func make(_ id: VolumeID, _ artefact: CloneArtefact, of master: MasterImage) throws(DeviceError) {
        try store.access.createSnapshot(
            id, of: store.masterName(master), bytes: CloneSettings(details: artefact.details).storeSize,
            tags: [store.cloneTag])
    }

    func condition(of volume: Volume, _ all: [String: Volume]) -> CloneCondition {
        CloneCondition(
            fill: volume.fill ?? 0, of: "its room for what is written",
            remedy:
                "a clone whose room is full is lost: enlarge it with lvextend --size +1G \(volume.id), or save its "
                + "data and reset it")
    }

    func removeUnused(in group: String) throws(CloneError) -> [String] { [] }
}
