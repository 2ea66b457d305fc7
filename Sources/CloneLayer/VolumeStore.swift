// SPDX-License-Identifier: Apache-2.0

import DeviceLayer
import FileLayer
import Glibc
import Metainfo

/// What the two backends of logical volumes have in common: volumes of this store in a group, the masters that are below
/// them, and how a clone is put in another one's place.
///
/// A master's volume is `NAME+VERSION+STORE`, with the backend's own ending; a clone's has the clone's name, and while it is
/// reset there is a second one, `CLONE+new`. No clone's name holds a `+`. Tags say whose a volume is and what.
struct VolumeStore: Sendable {
    let site: CloneSite
    let access: any VolumeAccess
    /// After a master's name and version, so that the two backends do not share a volume: what one needs of it the other
    /// cannot have.
    let ending: String
    /// Whether a master's volume is kept inactive, as an external origin has to be.
    let keepsMasterInactive: Bool

    private static let fresh = "+new"
    static let groupKey = "volume-group"
    static let originKey = "origin"

    private var owner: String { "drover.\(site.owner)" }
    private var masterTag: String { "\(owner).master\(ending)" }
    private var unfinishedTag: String { "\(owner).unfinished\(ending)" }
    var cloneTag: String { "\(owner).clone\(ending)" }
    /// Stores share a group's pool, and whichever is the last takes it away.
    var poolTag: String { "drover.pool" }

    func group(_ settings: CloneSettings) -> String { settings.volumeGroup ?? CloneSettings.standardVolumeGroup }
    func masterName(_ master: MasterImage) -> String {
        "\(master.name.name)+\(master.name.version)+\(site.owner)\(ending)"
    }

    /// The volume of a clone.
    /// - Throws: `.other` for a record that names none.
    func id(of artefact: CloneArtefact) throws(CloneError) -> VolumeID {
        guard let group = artefact.details[Self.groupKey], VolumeID.isValid(group: group) else {
            throw CloneError(
                .other, "the record of the clone \(artefact.clone) names no volume group; nothing was changed")
        }
        return VolumeID(group, artefact.clone.text)
    }

    func fresh(_ id: VolumeID) -> VolumeID { VolumeID(id.group, id.name + Self.fresh) }

    func volumes(in group: String, during work: String) throws(CloneError) -> [String: Volume] {
        try tell(work) { () throws(DeviceError) in
            Dictionary(try access.volumes(in: group).map { ($0.id.name, $0) }) { first, _ in first }
        }
    }

    /// The volumes of a group, asked for once.
    private func known(
        _ groups: inout [String: [String: Volume]], _ group: String, during work: String
    ) throws(CloneError) -> [String: Volume] {
        if let known = groups[group] { return known }
        let found = try volumes(in: group, during: work)
        groups[group] = found
        return found
    }

    func tell<Result>(_ work: String, _ body: () throws(DeviceError) -> Result) throws(CloneError) -> Result {
        do throws(DeviceError) { return try body() } catch { throw CloneError(error, during: work) }
    }

    func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings
    ) throws(CloneError) -> [CloneArtefact] {
        let group = group(settings)
        let taken = try volumes(in: group, during: "create clones")
        var details = settings.details
        details[Self.groupKey] = group
        details[Self.originKey] = masterName(master)
        var planned: [CloneArtefact] = []
        for clone in clones {
            let id = VolumeID(group, clone.text)
            guard taken[id.name] == nil else {
                throw CloneError(
                    .conflict,
                    "there is a volume \(id) already and no clone owns it; choose another name, or see whether "
                        + "drover clone repair knows it")
            }
            planned.append(CloneArtefact(clone: clone, path: id.path, details: details))
        }
        return planned
    }

    func hasGroup(_ group: String, during work: String) throws(CloneError) -> Bool {
        try tell(work) { () throws(DeviceError) in try access.group(group) } != nil
    }

    /// The volume of a clone among those there are.
    /// - Throws: `.conflict` when a volume of its name is not this store's.
    private func own(_ id: VolumeID, in there: [String: Volume]) throws(CloneError) -> Volume? {
        guard let found = there[id.name] else { return nil }
        guard found.tags.contains(cloneTag) else {
            throw CloneError(
                .conflict, "the volume \(id) is not this store's; rename or remove it, or give the clone up")
        }
        return found
    }

    // MARK: Masters

    /// Makes the volume of a master where it is not there.
    /// - Throws: `.noSpace`, `.conflict` for another volume of its name, …
    func provide(_ master: MasterImage, in group: String) throws(CloneError) {
        let work = "copy \(master.name) into the volume group \(group)"
        let id = VolumeID(group, masterName(master))
        if let there = try volumes(in: group, during: work)[id.name] {
            if there.tags.contains(masterTag), there.size >= master.size { return }
            guard there.tags.contains(unfinishedTag) else {
                throw CloneError(
                    .conflict, "the volume \(id) is not the master that belongs there; remove or rename it")
            }
            try tell(work) { () throws(DeviceError) in try access.remove(id) }
        }
        try tell(work) { () throws(DeviceError) in
            try access.createLinear(id, bytes: master.size, tags: [unfinishedTag])
            try access.fill(id, from: master.path)
        }
        try site.checkUnchanged(master)
        try tell(work) { () throws(DeviceError) in
            try access.makeReadOnly(id)
            if keepsMasterInactive { try access.setActive(false, id) }
            try access.changeTag(of: id, from: unfinishedTag, to: masterTag)
        }
    }

    /// Takes away the masters' volumes that no clone in `keeping` is made of.
    func removeUnusedMasters(in group: String, keeping: [CloneArtefact]) throws(CloneError) -> [String] {
        let work = "remove a master's volume that no clone uses"
        let used = Set(keeping.filter { $0.details[Self.groupKey] == group }.compactMap { $0.details[Self.originKey] })
        var removed: [String] = []
        let there = try volumes(in: group, during: work)
        // LVM would take snapshots away with their origin, whoever made them.
        let origins = Set(there.values.compactMap(\.origin))
        for volume in there.values.sorted(by: { $0.id.name < $1.id.name })
        where !origins.contains(volume.id.name) {
            let isOurs = volume.tags.contains(masterTag) || volume.tags.contains(unfinishedTag)
            guard isOurs, volume.tags.contains(unfinishedTag) || !used.contains(volume.id.name) else { continue }
            try tell(work) { () throws(DeviceError) in try access.remove(volume.id) }
            removed.append(volume.id.path)
        }
        return removed
    }

    // MARK: Clones

    func remove(_ made: [CloneArtefact]) throws(CloneError) {
        for (group, artefacts) in Dictionary(grouping: made, by: { $0.details[Self.groupKey] ?? "" }) {
            guard let first = artefacts.first else { continue }
            _ = try id(of: first)
            // A group that is gone holds nothing any more.
            guard try hasGroup(group, during: "remove clones") else { continue }
            let there = try volumes(in: group, during: "remove clones")
            for artefact in artefacts {
                let id = try id(of: artefact)
                for volume in [id, fresh(id)] where there[volume.name]?.tags.contains(cloneTag) == true {
                    try tell("remove the clone \(artefact.clone)") { () throws(DeviceError) in
                        try access.remove(volume)
                    }
                }
            }
        }
    }

    /// Puts a new volume, which `make` makes under the name it is given, in a clone's place.
    func replace(_ artefact: CloneArtefact, make: (VolumeID) throws(DeviceError) -> Void) throws(CloneError) {
        let id = try id(of: artefact)
        let fresh = fresh(id)
        try finish([artefact])
        _ = try own(id, in: volumes(in: id.group, during: "reset the clone \(artefact.clone)"))
        try tell("reset the clone \(artefact.clone)") { () throws(DeviceError) in
            do throws(DeviceError) { try make(fresh) } catch {
                try? access.remove(fresh)
                throw error
            }
            try access.remove(id)
            try access.rename(fresh, to: id.name)
        }
    }

    /// Brings resets to their end that were cut off: what has taken the old one's place gets its name, what has not goes.
    func finish(_ artefacts: [CloneArtefact]) throws(CloneError) {
        for (group, artefacts) in Dictionary(grouping: artefacts, by: { $0.details[Self.groupKey] ?? "" }) {
            guard let first = artefacts.first else { continue }
            _ = try id(of: first)
            guard try hasGroup(group, during: "finish a reset") else { continue }
            let there = try volumes(in: group, during: "finish a reset")
            for artefact in artefacts {
                let id = try id(of: artefact)
                let fresh = fresh(id)
                guard there[fresh.name]?.tags.contains(cloneTag) == true else { continue }
                let hasOld = try own(id, in: there) != nil
                try tell("finish the reset of the clone \(artefact.clone)") { () throws(DeviceError) in
                    if hasOld { try access.remove(fresh) } else { try access.rename(fresh, to: id.name) }
                }
            }
        }
    }

    /// Whoever looks at a volume that was closed, as udev does, has it open for a moment.
    private static let patience = 10
    private static let pause: Int32 = 200

    func checkUnused(_ artefacts: [CloneArtefact]) throws(CloneError) {
        for attempt in 0...Self.patience {
            var groups: [String: [String: Volume]] = [:]
            var open: CloneArtefact?
            for artefact in artefacts where open == nil {
                let id = try id(of: artefact)
                if groups[id.group] == nil {
                    guard try hasGroup(id.group, during: "see who uses the clones") else { continue }
                }
                let there = try known(&groups, id.group, during: "see who uses the clones")
                if let volume = there[id.name], volume.isOpen, volume.tags.contains(cloneTag) { open = artefact }
            }
            guard let open else { return }
            guard attempt < Self.patience else {
                throw CloneError(
                    .conflict, "the clone \(open.clone) is in use: \(open.path) is open; shut its machine down first")
            }
            wait(milliseconds: Self.pause)
        }
    }

    func map(_ artefacts: [CloneArtefact]) throws(CloneError) -> CloneMapping {
        try finish(artefacts)
        var groups: [String: [String: Volume]] = [:]
        return CloneMapping(artefacts) { artefact throws(CloneError) in
            let id = try id(of: artefact)
            let there = try known(&groups, id.group, during: "map clones")
            guard let volume = try own(id, in: there) else {
                throw CloneError(.other, "the volume \(id) is missing; reset the clone \(artefact.clone), or remove it")
            }
            guard !volume.isActive else { return false }
            try tell("map the clone \(artefact.clone)") { () throws(DeviceError) in try access.setActive(true, id) }
            return true
        }
    }

    /// Takes away volumes of any group tagged as this store's clones that no record names.
    /// - Returns: their paths, and every group there is.
    func removeStrays(keeping: [CloneArtefact]) throws(CloneError) -> (removed: [String], groups: [String]) {
        try finish(keeping)
        let work = "look for volumes that no clone owns"
        let kept = Set(keeping.map { "\($0.details[Self.groupKey] ?? "")/\($0.clone)" })
        let all = try tell(work) { () throws(DeviceError) in try access.volumes(in: nil) }
        var removed: [String] = []
        for volume in all where volume.tags.contains(cloneTag) && !kept.contains("\(volume.id)") {
            try tell(work) { () throws(DeviceError) in try access.remove(volume.id) }
            removed.append(volume.id.path)
        }
        return (removed, Set(all.map(\.id.group)).sorted())
    }

    // MARK: Asking

    func conditions(
        of queries: [CloneQuery], judge: (Volume, [String: Volume]) -> CloneCondition
    ) -> [CloneCondition] {
        var groups: [String: [String: Volume]] = [:]
        return queries.map { query in
            let clone = query.artefact.clone
            do throws(CloneError) {
                let id = try id(of: query.artefact)
                let there = try known(&groups, id.group, during: "look at clones")
                guard let volume = try own(id, in: there) else {
                    return .broken("the volume \(id) is missing; reset the clone \(clone), or remove it")
                }
                guard !volume.isInvalid else {
                    return .broken(
                        "its room for what was written ran full, and the kernel has given it up; reset the clone \(clone)"
                    )
                }
                guard volume.isActive else { return .broken(StoreMappings.unmapped(clone)) }
                return judge(volume, there)
            } catch {
                // Without the right to ask LVM the device is all there is to see.
                if geteuid() != 0 {
                    return StoreMappings.unseen(query.artefact, site.files)
                }
                return .broken(error.description)
            }
        }
    }

    /// What stands in the way of a group's use, and else the group.
    func probe(_ group: String) -> Result<VolumeGroup, Obstacle> {
        do throws(DeviceError) {
            if let found = try access.group(group) { return .success(found) }
            return .failure(
                Obstacle(
                    .unavailable(
                        reason: "there is no volume group \(group)",
                        fix: "make it with vgcreate \(group) DEVICE, or name another one with --volume-group")))
        } catch {
            let fix = error.cause == .denied ? "run this as root" : "repair that"
            return .failure(
                Obstacle(.unavailable(reason: error.description, fix: "\(fix), or use --backend qcow2")))
        }
    }

    struct Obstacle: Error {
        let capability: CloneCapability
        init(_ capability: CloneCapability) { self.capability = capability }
    }

    /// Bytes that a master's volume takes when it has yet to be made.
    func bytesForMaster(_ master: MasterImage, in group: VolumeGroup) -> Int64 {
        let there = try? volumes(in: group.name, during: "look at the group")
        guard there?[masterName(master)]?.tags.contains(masterTag) != true else { return 0 }
        return master.size / group.extentSize * group.extentSize + group.extentSize
    }
}
