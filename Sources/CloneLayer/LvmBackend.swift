// SPDX-License-Identifier: Apache-2.0

package import DeviceLayer

/// Clones as logical volumes: the volume `CLONE` of the group, over a volume that holds the master and is made with the
/// first clone. How it is made, as a classic snapshot or a thin volume, is the ``VolumeMethod``'s.
package struct LvmBackend: CloneBackend {
    private let mappings: StoreMappings
    private let method: any VolumeMethod
    private var store: VolumeStore { method.store }

    /// Clones as classic snapshots, each with room of its own for what is written.
    package static func snapshots(
        site: CloneSite, mappings: any MappingAccess, volumes: any VolumeAccess
    ) -> LvmBackend {
        LvmBackend(site, mappings, SnapshotVolumes(site: site, volumes: volumes))
    }

    /// Clones as thin volumes, with one pool for what is written to all of them.
    package static func thin(
        site: CloneSite, mappings: any MappingAccess, volumes: any VolumeAccess
    ) -> LvmBackend {
        LvmBackend(site, mappings, ThinVolumes(site: site, volumes: volumes))
    }

    private init(_ site: CloneSite, _ mappings: any MappingAccess, _ method: any VolumeMethod) {
        self.mappings = StoreMappings(site: site, access: mappings)
        self.method = method
    }

    package var kind: CloneBackendKind { method.kind }

    package func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability {
        if let obstacle = mappings.obstacle(method.target) { return obstacle }
        switch store.probe(store.group(settings)) {
        case .failure(let obstacle): return obstacle.capability
        case .success(let group):
            let bytes = master.map { store.bytesForMaster($0, in: group) } ?? 0
            return .available(method.facts(master, bytesForMaster: bytes, in: group, settings: settings))
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
                try method.make(id, artefact, of: master)
            }
        }
        // What is made of a volume that is not active is not active either.
        try store.map(planned).checked()
        return planned
    }

    package func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact {
        try prepare(master, in: store.id(of: artefact).group)
        try store.replace(artefact) { id throws(DeviceError) in try method.make(id, artefact, of: master) }
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

    package func moved(
        _ artefact: CloneArtefact, from old: MasterImage?, to new: MasterImage
    ) -> CloneArtefact {
        var moved = artefact
        moved.details[VolumeStore.originKey] = store.masterName(new)
        return moved
    }

    package func conditions(of queries: [CloneQuery]) -> [CloneCondition] {
        store.conditions(of: queries) { method.condition(of: $0, $1) }
    }

    package func sweep(keeping: [CloneArtefact]) throws(CloneError) -> [String] { [] }

    package func repair(keeping: [CloneArtefact]) throws(CloneError) -> [String] {
        var (removed, groups) = try store.removeStrays(keeping: keeping)
        for group in groups { removed += try removeUnused(in: group, keeping: keeping) }
        return removed
    }

    /// The master comes before a pool, which takes most of what is left.
    private func prepare(_ master: MasterImage, in group: String) throws(CloneError) {
        try store.provide(master, in: group)
        try method.prepare(group)
    }

    private func removeUnused(in group: String, keeping: [CloneArtefact]) throws(CloneError) -> [String] {
        try store.removeUnusedMasters(in: group, keeping: keeping) + method.removeUnused(in: group)
    }
}
