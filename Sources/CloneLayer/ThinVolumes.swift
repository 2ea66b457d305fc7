// SPDX-License-Identifier: Apache-2.0

import DeviceLayer

/// A thin volume over the master's for each clone, all in one pool, which is made with the first of them. A pool that is
/// there already under the name `drover+pool` is used as it is.
struct ThinVolumes: VolumeMethod {
    let kind = CloneBackendKind.lvmThin
    let target = "thin-pool"
    let store: VolumeStore

    private static let pool = "drover+pool"
    /// The rest of a group is left to further masters.
    private static let percentOfFree = 80

    init(site: CloneSite, volumes: any VolumeAccess) {
        store = VolumeStore(site: site, access: volumes, ending: "+thin", keepsMasterInactive: true)
    }

    func facts(
        _ master: MasterImage?, bytesForMaster: Int64, in group: VolumeGroup, settings: CloneSettings
    ) -> CloneFacts {
        let hasPool = (try? store.volumes(in: group.name, during: "look at the group"))?[Self.pool] != nil
        return CloneFacts(
            sharesBlocks: true, bytesPerClone: 0, bytesOnce: bytesForMaster + (hasPool ? 0 : 16 * group.extentSize),
            bytesAvailable: group.free,
            summary: "a thin volume in the group \(group.name), whose pool holds what is written")
    }

    func prepare(_ group: String) throws(CloneError) {
        let work = "make a pool in the volume group \(group)"
        guard try store.volumes(in: group, during: work)[Self.pool] == nil else { return }
        try store.tell(work) { () throws(DeviceError) in
            try store.access.createPool(
                VolumeID(group, Self.pool), percentOfFree: Self.percentOfFree, tags: [store.poolTag])
        }
    }

    func make(_ id: VolumeID, _ artefact: CloneArtefact, of master: MasterImage) throws(DeviceError) {
        try store.access.createThin(id, over: store.masterName(master), in: Self.pool, tags: [store.cloneTag])
    }

    func condition(of volume: Volume, _ all: [String: Volume]) -> CloneCondition {
        guard let pool = volume.pool.flatMap({ all[$0] }) else {
            return .broken("the pool of the volume \(volume.id) is missing; look at the group with lvs")
        }
        return CloneCondition(
            fill: max(pool.fill ?? 0, pool.metadataFill ?? 0), of: "its pool \(pool.id)",
            remedy: "enlarge it with lvextend --size +1G \(pool.id), or remove clones")
    }

    /// A pool of this program's making goes with its last clone.
    func removeUnused(in group: String) throws(CloneError) -> [String] {
        let work = "remove a pool that no clone uses"
        let volumes = try store.volumes(in: group, during: work)
        let isUsed = volumes.values.contains { $0.pool == Self.pool }
        guard let pool = volumes[Self.pool], pool.tags.contains(store.poolTag), !isUsed else { return [] }
        try store.tell(work) { () throws(DeviceError) in try store.access.remove(pool.id) }
        return [pool.id.path]
    }
}
