// SPDX-License-Identifier: Apache-2.0

package import DeviceLayer
import FileLayer

/// Clones as device-mapper snapshots: the block device `/dev/mapper/drover@CLONE`, which reads the master's file and
/// keeps what is written to it in `clones/CLONE.cow`.
///
/// A snapshot whose store runs full is lost whole. A store is therefore as large as its master and the metadata unless
/// another size was asked for; it is sparse, and takes space as it is written.
package struct DmSnapshotBackend: CloneBackend {
    private let site: CloneSite
    private let stores: FileArtefacts
    private let mappings: StoreMappings

    package init(site: CloneSite, mappings: any MappingAccess) {
        self.site = site
        stores = FileArtefacts(site: site, suffix: ".cow")
        self.mappings = StoreMappings(site: site, access: mappings)
    }

    package var kind: CloneBackendKind { .dmSnapshot }

    package func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability {
        if let obstacle = mappings.obstacle("snapshot") ?? StoreMappings.obstacle(master) { return obstacle }
        return .available(
            CloneFacts(
                sharesBlocks: true, bytesPerClone: 8 * 4096, bytesAvailable: site.bytesAvailable,
                summary: "a block device that reads the master's file and keeps what is written in a sparse file"))
    }

    package func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings, besides: [CloneArtefact]
    ) throws(CloneError) -> [CloneArtefact] {
        guard let size = settings.storeSize ?? SnapshotStore.size(forMasterOf: master.size) else {
            throw CloneError(.usage, "\(master.name) is too large for a snapshot; use --backend qcow2")
        }
        _ = try stores.plan(clones)
        try mappings.checkFree(clones)
        var chosen = settings
        chosen.storeSize = size
        let details = chosen.details
        return clones.map { clone in
            CloneArtefact(
                clone: clone, path: mappings.name(of: clone).path, details: details)
        }
    }

    package func create(
        _ planned: [CloneArtefact], of master: MasterImage
    ) throws(CloneError) -> [CloneArtefact] {
        guard let first = planned.first else { return [] }
        let size = storeSize(of: first, for: master)
        try stores.create(planned.map { stores.file(of: $0.clone) }) { path throws(FileError) in
            try make(path, size)
        }
        for artefact in planned { try map(artefact, of: master) }
        return planned
    }

    package func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact {
        _ = try mappings.mapping(of: artefact.clone, in: mappings.all(during: "reset the clone \(artefact.clone)"))
        // While the device is there its content is that of the store it was made with, so it goes first.
        try mappings.remove(mappings.name(of: artefact.clone), during: "reset the clone \(artefact.clone)")
        let size = storeSize(of: artefact, for: master)
        do throws(CloneError) {
            try stores.replace(stores.file(of: artefact.clone), of: master) { path throws(FileError) in
                try make(path, size)
            }
        } catch {
            // It is still the old clone; should this fail too, drover clone map does it later.
            try? map(artefact, of: master)
            throw error
        }
        try map(artefact, of: master)
        return artefact
    }

    package func remove(_ made: [CloneArtefact], keeping: [CloneArtefact]) throws(CloneError) {
        let names = made.map { mappings.name(of: $0.clone) }
        let there = try mappings.all(during: "remove clones")
        for name in names where there[name.device]?.name == name {
            try mappings.remove(name, during: "remove the clone \(name.part)")
        }
        try stores.remove(made.map { stores.file(of: $0.clone) })
    }

    package func checkUnused(_ artefacts: [CloneArtefact]) throws(CloneError) {
        try mappings.checkUnused(artefacts.map(\.clone))
    }

    package func map(_ artefacts: [CloneArtefact], of master: MasterImage) throws(CloneError) -> CloneMapping {
        let there = try mappings.all(during: "map clones")
        return CloneMapping(artefacts) { artefact throws(CloneError) in
            guard try mappings.mapping(of: artefact.clone, in: there) == nil else { return false }
            try map(artefact, of: master)
            return true
        }
    }

    /// A store that was as large as the old master needed is as large as the new one needs.
    package func moved(
        _ artefact: CloneArtefact, from old: MasterImage?, to new: MasterImage
    ) -> CloneArtefact {
        var settings = CloneSettings(details: artefact.details)
        guard let old, settings.storeSize == SnapshotStore.size(forMasterOf: old.size) else { return artefact }
        settings.storeSize = SnapshotStore.size(forMasterOf: new.size) ?? settings.storeSize
        var moved = artefact
        moved.details.merge(settings.details) { $1 }
        return moved
    }

    package func conditions(of queries: [CloneQuery]) -> [CloneCondition] {
        mappings.conditions(of: queries) { clone throws(BrokenClone) in
            _ = try stores.status(of: stores.file(of: clone)).get()
        } judge: { clone, mapping, _ throws(BrokenClone) in
            try condition(of: clone, mapping)
        }
    }

    package func sweep(keeping: [CloneArtefact]) throws(CloneError) -> [String] { try stores.sweep() }

    package func repair(keeping: [CloneArtefact]) throws(CloneError) -> [String] {
        try mappings.removeStrays(keeping: keeping) { _, state in
            switch state {
            // A shell without a table may have been anybody's, and holds nothing.
            case .snapshot, .invalidSnapshot, .other: true
            default: false
            }
        }
    }

    private func storeSize(of artefact: CloneArtefact, for master: MasterImage) -> Int64 {
        CloneSettings(details: artefact.details).storeSize ?? SnapshotStore.size(forMasterOf: master.size)
            ?? master.size
    }

    private func make(_ path: String, _ size: Int64) throws(FileError) -> any OpenFile {
        let file = try site.files.open(path, .createPrivate)
        // A store of zeros is an empty one; the kernel writes its header.
        try file.truncate(to: size)
        return file
    }

    private func map(_ artefact: CloneArtefact, of master: MasterImage) throws(CloneError) {
        try mappings.add(
            MappingPlan(
                mappings.name(of: artefact.clone), sectors: master.size / 512,
                target: .snapshot(
                    origin: master.path, store: stores.file(of: artefact.clone).path,
                    chunkSectors: SnapshotStore.chunkSectors)),
            during: "map the clone \(artefact.clone)")
    }

    private func condition(of clone: CloneName, _ mapping: Mapping) throws(BrokenClone) -> CloneCondition {
        switch mapping.state {
        case .snapshot(let used, let total):
            return CloneCondition(
                fill: Double(used) / Double(total), of: "its room for what is written",
                remedy: "a clone whose room is full is lost: save its data and reset it, or make one with a larger "
                    + "--cow-size")
        case .invalidSnapshot:
            throw BrokenClone(
                "its room for what was written ran full or could not be written, and the kernel has given it up; reset the "
                    + "clone \(clone)")
        default:
            let path = mappings.name(of: clone).path
            throw BrokenClone("\(path) is not a snapshot; move it away and use drover clone map \(clone)")
        }
    }
}
