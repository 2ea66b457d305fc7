// SPDX-License-Identifier: Apache-2.0

import DeviceLayer
import FileLayer

/// The device-mapper devices of one store, for the backends that make such.
struct StoreMappings: Sendable {
    let site: CloneSite
    let access: any MappingAccess
    var owner: String { site.owner }
    /// Whoever looks at a new device, as udev does, has it open for a moment.
    private static let patience = 10
    private static let pause: Int32 = 100

    func name(of clone: CloneName) -> MappingName { MappingName(owner: owner, part: clone.text) }

    /// Every mapping of the host by the name below `/dev/mapper`.
    func all(during work: String) throws(CloneError) -> [String: Mapping] {
        do throws(DeviceError) {
            return Dictionary(try access.mappings().map { ($0.device, $0) }) { first, _ in first }
        } catch {
            throw CloneError(error, during: work)
        }
    }

    /// - Throws: `.conflict` when a device has a clone's name already.
    func checkFree(_ clones: [CloneName]) throws(CloneError) {
        let taken = try all(during: "create clones")
        for clone in clones {
            let name = name(of: clone)
            guard let mapping = taken[name.device] else { continue }
            throw CloneError(
                .conflict,
                mapping.name?.owner == owner
                    ? "\(name.path) is there already and no clone owns it; take it away with drover clone repair"
                    : "\(name.path) is there already and not this store's; choose another name")
        }
    }

    /// The mapping of a clone among those there are; `nil` when it is not there, or is an empty shell that an interrupted
    /// call left.
    /// - Throws: `.conflict` when the device is somebody else's.
    func mapping(of clone: CloneName, in there: [String: Mapping]) throws(CloneError) -> Mapping? {
        let name = name(of: clone)
        guard let found = there[name.device] else { return nil }
        guard found.name == name else {
            throw CloneError(
                .conflict,
                "\(name.path) is not this store's; take it away, or give the clone \(clone) up and make another")
        }
        if found.state == .other {
            try remove(name, during: "map the clone \(clone)")
            return nil
        }
        return found
    }

    /// - Throws: `.conflict` when one of the clones is open, and stays so.
    func checkUnused(_ clones: [CloneName]) throws(CloneError) {
        for attempt in 0...Self.patience {
            let mappings = try all(during: "see who uses the clones")
            let open = clones.first { (mappings[name(of: $0).device]?.openCount ?? 0) > 0 }
            guard let open else { return }
            guard attempt < Self.patience else {
                throw CloneError(
                    .conflict,
                    "the clone \(open) is in use: \(name(of: open).path) is open; shut its machine down first")
            }
            wait(milliseconds: Self.pause)
        }
    }

    /// Takes away mappings of this store that none of the clones in `keeping` owns.
    /// - Parameter isOurs: whether it is of the backend that asks: the names of all have one form.
    /// - Returns: their paths.
    func removeStrays(
        keeping: [CloneArtefact], where isOurs: (MappingName, MappingState) -> Bool
    ) throws(CloneError) -> [String] {
        let kept = Set(keeping.map(\.clone.text))
        var strays: [MappingName] = []
        for mapping in try all(during: "look for devices that no clone owns").values {
            guard let name = mapping.name, name.owner == owner, !kept.contains(name.part) else { continue }
            if isOurs(name, mapping.state) { strays.append(name) }
        }
        strays.sort { $0.part < $1.part }
        for name in strays { try remove(name, during: "remove a device that no clone owns") }
        return strays.map(\.path)
    }

    func add(_ plan: MappingPlan, during work: String) throws(CloneError) {
        do throws(DeviceError) { try access.add(plan) } catch { throw CloneError(error, during: work) }
    }

    func remove(_ name: MappingName, during work: String) throws(CloneError) {
        do throws(DeviceError) { try access.remove(name) } catch { throw CloneError(error, during: work) }
    }

    /// Whether the kernel has what a backend needs.
    /// - Returns: what to answer to a probe when it has not.
    func obstacle(_ target: String) -> CloneCapability? {
        do throws(DeviceError) {
            guard try !access.targets().contains(target) else { return nil }
            return .unavailable(
                reason: "this kernel cannot make device-mapper devices of the kind \(target)",
                fix: "use a kernel that has it, as Debian's has, or --backend qcow2")
        } catch {
            let fix =
                switch error.cause {
                case .denied: "run this as root, or use --backend qcow2"
                case .unsupported: "use a kernel that can, as Debian's, with dmsetup installed, or --backend qcow2"
                default: "repair that, or use --backend qcow2"
                }
            return .unavailable(reason: error.description, fix: fix)
        }
    }

    /// The conditions of clones whose devices read their masters' files.
    /// - Parameters:
    ///   - checkFiles: throws when the files are not there in which a backend keeps what is written to a clone.
    ///   - judge: tells the condition by the clone's device and all others.
    func conditions(
        of queries: [CloneQuery], checkFiles: (CloneName) throws(BrokenClone) -> Void,
        judge: (CloneName, Mapping, [String: Mapping]) throws(BrokenClone) -> CloneCondition
    ) -> [CloneCondition] {
        let there = try? all(during: "look at clones")
        return queries.map { query in
            let clone = query.artefact.clone
            do throws(BrokenClone) {
                try checkFiles(clone)
                guard let master = query.master else {
                    throw BrokenClone(
                        "its master is no longer registered; fetch it again, or remove the clone \(clone)")
                }
                if let problem = master.problem { throw BrokenClone("its master is of no use now: \(problem)") }
                guard let there else { return Self.unseen(query.artefact, site.files) }
                let name = name(of: clone)
                guard let mapping = there[name.device], mapping.name == name else {
                    throw BrokenClone(Self.unmapped(clone))
                }
                return heed(try judge(clone, mapping, there))
            } catch {
                return .broken(error.reason)
            }
        }
    }

    /// Below this a store is nearly full, and what is written to its clones may soon find no room.
    private static let littleSpace: Int64 = 256 << 20

    /// A condition, or the warning that the disk below is nearly full.
    private func heed(_ condition: CloneCondition) -> CloneCondition {
        guard condition.health == .ok, let available = site.bytesAvailable, available < Self.littleSpace else {
            return condition
        }
        return CloneCondition(
            .warning(
                reason:
                    "only \(available >> 20) MiB are free in the store, and a clone that finds no room there stops or "
                    + "is lost; free some"), fill: condition.fill)
    }

    /// Why a master cannot be below such a device.
    static func obstacle(_ master: MasterImage?) -> CloneCapability? {
        guard let master, master.size % 512 != 0 else { return nil }
        return .unavailable(
            reason: "a block device has whole sectors of 512 bytes, and \(master.name) has \(master.size) bytes",
            fix: "use --backend qcow2, reflink or copy")
    }

    /// The condition of a clone whose devices may only be seen by root, as far as anybody can tell.
    static func unseen(_ artefact: CloneArtefact, _ files: any FileAccess) -> CloneCondition {
        let device = try? files.status(artefact.path)
        return device == nil ? .broken(unmapped(artefact.clone)) : CloneCondition(.ok)
    }

    static func unmapped(_ clone: CloneName) -> String {
        "its device is not there, as after a restart of the host; make it again with drover clone map \(clone)"
    }
}
