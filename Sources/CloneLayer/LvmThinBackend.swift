// SPDX-License-Identifier: Apache-2.0

package import DeviceLayer

/// Clones as thin LVM volumes: the volume `CLONE` of the group, which reads a volume that holds the master where nothing
/// was written. What is written goes to one pool for all of them; both are made with the first clone. A pool that is
/// there already under the name `drover+pool` is used as it is.
package struct LvmThinBackend: CloneBackend {
    private let mappings: StoreMappings
    private let store: VolumeStore

    private static let pool = "drover+pool"
    /// The rest of a group is left to further masters.
    private static let percentOfFree = 80

    package init(site: CloneSite, mappings: any MappingAccess, volumes: any VolumeAccess) {
        self.mappings = StoreMappings(owner: site.owner, access: mappings)
        store = VolumeStore(site: site, access: volumes, ending: "+thin", keepsMasterInactive: true)
    }

    package var kind: CloneBackendKind { .lvmThin }

    package func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability {
        if let obstacle = mappings.obstacle("thin-pool") { return obstacle }
        switch store.probe(store.group(settings)) {
        case .failure(let obstacle): return obstacle.capability
        case .success(let group):
            let hasPool = (try? store.volumes(in: group.name, during: "look at the group"))?[Self.pool] != nil
            let once = master.map { store.bytesForMaster($0, in: group) } ?? 0
            return .available(
                CloneFacts(
                    sharesBlocks: true, bytesPerClone: 0, bytesOnce: once + (hasPool ? 0 : 16 * group.extentSize),
                    bytesAvailable: group.free,
                    summary: "a thin volume in the group \(group.name), whose pool holds what is written"))
        }
    }

    package func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings, besides: [CloneArtefact]
    ) throws(CloneError) -> [CloneArtefact] { try store.plan(clones, of: master, settings: settings) }

    package func create(
        _ planned: [CloneArtefact], of master: MasterImage
    ) throws(CloneError) -> [CloneArtefact] {
        guard let first = planned.first else { return [] }
        try prepare(master, in: store.id(of: first).group)
        for artefact in planned {
            let id = try store.id(of: artefact)
            try store.tell("create the clone \(artefact.clone)") { () throws(DeviceError) in
                try make(id, of: master)
            }
        }
        // What is made of a volume that is not active is not active either.
        try store.map(planned).checked()
        return planned
    }

    package func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact {
        try prepare(master, in: store.id(of: artefact).group)
        try store.replace(artefact) { id throws(DeviceError) in try make(id, of: master) }
        try store.map([artefact]).checked()
        return artefact
    }

    package func remove(_ made: [CloneArtefact], keeping: [CloneArtefact]) throws(CloneError) {
        try store.remove(made)
        for group in Set(made.compactMap { $0.details[VolumeStore.groupKey] }).sorted() {
            _ = try removeUnused(in: group, keeping: keeping)
        }
    }

    package func checkUnused(_ artefacts: [CloneArtefact]) throws(CloneError) { try store.checkUnused(artefacts) }

    package func map(_ artefacts: [CloneArtefact], of master: MasterImage) throws(CloneError) -> CloneMapping {
        try store.map(artefacts)
    }

    package func conditions(of queries: [CloneQuery]) -> [CloneCondition] {
        store.conditions(of: queries) { volume, all in
            guard let pool = volume.pool.flatMap({ all[$0] }) else {
                return .broken("the pool of the volume \(volume.id) is missing; look at the group with lvs")
            }
            return CloneCondition(
                fill: max(pool.fill ?? 0, pool.metadataFill ?? 0), of: "its pool \(pool.id)",
                remedy: "enlarge it with lvextend --size +1G \(pool.id), or remove clones")
        }
    }

    package func sweep(keeping: [CloneArtefact]) throws(CloneError) -> [String] { [] }

    package func repair(keeping: [CloneArtefact]) throws(CloneError) -> [String] {
        var removed = try store.repair(keeping: keeping)
        let all = try store.tell("look for pools that no clone uses") { () throws(DeviceError) in
            try store.access.volumes(in: nil)
        }
        for pool in all where pool.id.name == Self.pool {
            removed += try removeUnused(in: pool.id.group, keeping: keeping)
        }
        return removed
    }

    private func make(_ id: VolumeID, of master: MasterImage) throws(DeviceError) {
        try store.access.createThin(id, over: store.masterName(master), in: Self.pool, tags: [store.cloneTag])
    }

    /// The master comes before the pool, which takes most of what is left.
    private func prepare(_ master: MasterImage, in group: String) throws(CloneError) {
        try store.provide(master, in: group)
        let work = "make a pool in the volume group \(group)"
        guard try store.volumes(in: group, during: work)[Self.pool] == nil else { return }
        try store.tell(work) { () throws(DeviceError) in
            try store.access.createPool(
                VolumeID(group, Self.pool), percentOfFree: Self.percentOfFree, tags: [store.poolTag])
        }
    }

    /// A pool of this store's making goes with its last clone.
    private func removeUnused(in group: String, keeping: [CloneArtefact]) throws(CloneError) -> [String] {
        var removed = try store.removeUnusedMasters(in: group, keeping: keeping)
        let work = "remove a pool that no clone uses"
        let volumes = try store.volumes(in: group, during: work)
        let isUsed = volumes.values.contains { $0.pool == Self.pool }
        if let pool = volumes[Self.pool], pool.tags.contains(store.poolTag), !isUsed {
            try store.tell(work) { () throws(DeviceError) in try store.access.remove(pool.id) }
            removed.append(pool.id.path)
        }
        return removed
    }
}
