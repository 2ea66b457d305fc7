// SPDX-License-Identifier: Apache-2.0

import DeviceLayer

/// The machine's device-mapper, with the faults planted in a layer of files: each change counts as one of its operations.
struct FaultyMappings: MappingAccess {
    let access: any MappingAccess
    let faults: FaultyFiles

    private func check(_ operation: String, _ name: String) throws(DeviceError) {
        if faults.pass(operation, name) != nil { throw DeviceError(.other, "injected fault") }
    }

    func targets() throws(DeviceError) -> Set<String> { try access.targets() }
    func mappings() throws(DeviceError) -> [Mapping] { try access.mappings() }

    func add(_ plan: MappingPlan) throws(DeviceError) {
        try check("map", plan.name.device)
        try access.add(plan)
    }

    func remove(_ name: MappingName) throws(DeviceError) {
        try check("unmap", name.device)
        try access.remove(name)
    }

    func createThin(_ id: Int, in pool: MappingName) throws(DeviceError) {
        try check("create in", pool.device)
        try access.createThin(id, in: pool)
    }

    func deleteThin(_ id: Int, in pool: MappingName) throws(DeviceError) {
        try check("delete in", pool.device)
        try access.deleteThin(id, in: pool)
    }
}

/// The machine's LVM, likewise.
struct FaultyVolumes: VolumeAccess {
    let access: any VolumeAccess
    let faults: FaultyFiles
    /// What somebody does as soon as a volume has its content.
    var afterFill: @Sendable () throws -> Void = {}

    private func check(_ operation: String, _ id: VolumeID) throws(DeviceError) {
        if faults.pass(operation, "\(id)") != nil { throw DeviceError(.other, "injected fault") }
    }

    func group(_ name: String) throws(DeviceError) -> VolumeGroup? { try access.group(name) }
    func volumes(in group: String?) throws(DeviceError) -> [Volume] { try access.volumes(in: group) }

    func createLinear(_ id: VolumeID, bytes: Int64, tags: Set<String>) throws(DeviceError) {
        try check("create", id)
        try access.createLinear(id, bytes: bytes, tags: tags)
    }

    func fill(_ id: VolumeID, from file: String) throws(DeviceError) {
        try check("fill", id)
        try access.fill(id, from: file)
        do { try afterFill() } catch { throw DeviceError(.other, "\(error)") }
    }

    func createSnapshot(_ id: VolumeID, of origin: String, bytes: Int64?, tags: Set<String>) throws(DeviceError) {
        try check("create", id)
        try access.createSnapshot(id, of: origin, bytes: bytes, tags: tags)
    }

    func createPool(_ id: VolumeID, percentOfFree percent: Int, tags: Set<String>) throws(DeviceError) {
        try check("create", id)
        try access.createPool(id, percentOfFree: percent, tags: tags)
    }

    func createThin(_ id: VolumeID, over origin: String, in pool: String, tags: Set<String>) throws(DeviceError) {
        try check("create", id)
        try access.createThin(id, over: origin, in: pool, tags: tags)
    }

    func setActive(_ isActive: Bool, _ id: VolumeID) throws(DeviceError) {
        try check("activate", id)
        try access.setActive(isActive, id)
    }

    func makeReadOnly(_ id: VolumeID) throws(DeviceError) {
        try check("protect", id)
        try access.makeReadOnly(id)
    }

    func changeTag(of id: VolumeID, from old: String, to new: String) throws(DeviceError) {
        try check("tag", id)
        try access.changeTag(of: id, from: old, to: new)
    }

    func rename(_ id: VolumeID, to name: String) throws(DeviceError) {
        try check("rename", id)
        try access.rename(id, to: name)
    }

    func remove(_ id: VolumeID) throws(DeviceError) {
        try check("remove", id)
        try access.remove(id)
    }
}
