// SPDX-License-Identifier: Apache-2.0

package import DeviceLayer

/// Clones as classic LVM snapshots: the volume `CLONE` of the group, a snapshot of a volume that holds the master and is
/// made with the first clone. A snapshot whose store runs full is lost whole; a store is therefore large enough for all
/// of the master unless another size was asked for.
package struct LvmBackend: CloneBackend {
    private let mappings: StoreMappings
    private let store: VolumeStore

    package init(site: CloneSite, mappings: any MappingAccess, volumes: any VolumeAccess) {
        self.mappings = StoreMappings(owner: site.owner, access: mappings)
        store = VolumeStore(site: site, access: volumes, ending: "", keepsMasterInactive: false)
    }

    package var kind: CloneBackendKind { .lvm }

    package func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability {
        if let obstacle = mappings.obstacle("snapshot") { return obstacle }
        switch store.probe(store.group(settings)) {
        case .failure(let obstacle): return obstacle.capability
        case .success(let group):
            // With room for all of the master by default, rounded up to extents twice.
            let room = master.flatMap { SnapshotStore.size(forMasterOf: $0.size) } ?? 0
            return .available(
                CloneFacts(
                    sharesBlocks: true,
                    bytesPerClone: master == nil ? 0 : (settings.storeSize ?? room) + 2 * group.extentSize,
                    bytesOnce: master.map { store.bytesForMaster($0, in: group) } ?? 0, bytesAvailable: group.free,
                    summary: "a snapshot in the volume group \(group.name), with room of its own for what is written"))
        }
    }

    package func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings, besides: [CloneArtefact]
    ) throws(CloneError) -> [CloneArtefact] { try store.plan(clones, of: master, settings: settings) }

    package func create(
        _ planned: [CloneArtefact], of master: MasterImage
    ) throws(CloneError) -> [CloneArtefact] {
        guard let first = planned.first else { return [] }
        try store.provide(master, in: store.id(of: first).group)
        for artefact in planned {
            let id = try store.id(of: artefact)
            try store.tell("create the clone \(artefact.clone)") { () throws(DeviceError) in
                try make(id, artefact, of: master)
            }
        }
        // What is made of a volume that is not active is not active either.
        try store.map(planned).checked()
        return planned
    }

    package func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact {
        try store.provide(master, in: store.id(of: artefact).group)
        try store.replace(artefact) { id throws(DeviceError) in try make(id, artefact, of: master) }
        try store.map([artefact]).checked()
        return artefact
    }

    package func remove(_ made: [CloneArtefact], keeping: [CloneArtefact]) throws(CloneError) {
        try store.remove(made)
        for group in Set(made.compactMap { $0.details[VolumeStore.groupKey] }).sorted() {
            _ = try store.removeUnusedMasters(in: group, keeping: keeping)
        }
    }

    package func checkUnused(_ artefacts: [CloneArtefact]) throws(CloneError) { try store.checkUnused(artefacts) }

    package func map(_ artefacts: [CloneArtefact], of master: MasterImage) throws(CloneError) -> CloneMapping {
        try store.map(artefacts)
    }

    package func conditions(of queries: [CloneQuery]) -> [CloneCondition] {
        store.conditions(of: queries) { volume, _ in
            CloneCondition(
                fill: volume.fill ?? 0, of: "its room for what is written",
                remedy:
                    "a clone whose room is full is lost: enlarge it with lvextend --size +1G \(volume.id), or save its "
                    + "data and reset it")
        }
    }

    package func sweep(keeping: [CloneArtefact]) throws(CloneError) -> [String] { [] }

    package func repair(keeping: [CloneArtefact]) throws(CloneError) -> [String] { try store.repair(keeping: keeping) }

    private func make(_ id: VolumeID, _ artefact: CloneArtefact, of master: MasterImage) throws(DeviceError) {
        try store.access.createSnapshot(
            id, of: store.masterName(master), bytes: CloneSettings(details: artefact.details).storeSize,
            tags: [store.cloneTag])
    }
}
