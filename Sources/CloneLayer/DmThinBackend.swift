// SPDX-License-Identifier: Apache-2.0

package import DeviceLayer
import FileLayer

/// Clones as device-mapper thin devices: the block device `/dev/mapper/drover@CLONE`, which reads the master's file where
/// nothing was written. What is written goes to one pool for all of them, in two sparse files of the store; nothing of
/// the master is ever copied there but the rest of a block that is written in part.
///
/// The pool is there while there are clones. Each clone has a pair of numbers in it, `2k` and `2k + 1`: a reset makes the
/// new device under the other one, so that until it is recorded the old one is still there.
package struct DmThinBackend: CloneBackend {
    private let site: CloneSite
    private let mappings: StoreMappings

    private static let idKey = "thin"
    /// Numbers in a pool have 24 bits.
    private static let largestID = 1 << 24 - 1
    /// No clone's name holds an `@`, and no device of a clone a `+`.
    private static let poolPart = "+pool"
    private var pool: MappingName { MappingName(owner: mappings.owner, part: "\(mappings.owner)\(Self.poolPart)") }
    private var metadataPath: String { "\(site.folder)/dm-thin@metadata" }
    private var dataPath: String { "\(site.folder)/dm-thin@data" }

    package init(site: CloneSite, mappings: any MappingAccess) {
        self.site = site
        self.mappings = StoreMappings(site: site, access: mappings)
    }

    package var kind: CloneBackendKind { .dmThin }

    package func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability {
        if let obstacle = mappings.obstacle("thin-pool") ?? StoreMappings.obstacle(master) { return obstacle }
        if let available = site.bytesAvailable, ThinPool(fitting: available) == nil, (try? poolFilesAreThere) != true {
            return .unavailable(
                reason: "the \(available) bytes that are free are too few for a pool", fix: "free some space")
        }
        return .available(
            CloneFacts(
                sharesBlocks: true, bytesPerClone: 4096,
                bytesOnce: ThinPool(fitting: site.bytesAvailable ?? 0)?.metadata ?? 0,
                bytesAvailable: site.bytesAvailable,
                summary: "a block device that reads the master's file and keeps what is written in a pool of the store")
        )
    }

    package func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings, besides: [CloneArtefact]
    ) throws(CloneError) -> [CloneArtefact] {
        try mappings.checkFree(clones)
        var taken = Set(besides.compactMap(id).map { $0 / 2 })
        var next = 0
        var planned: [CloneArtefact] = []
        for clone in clones {
            while taken.contains(next) { next += 1 }
            guard next * 2 < Self.largestID else {
                throw CloneError(.conflict, "the pool of thin devices has no number left; remove some clones")
            }
            taken.insert(next)
            planned.append(
                CloneArtefact(
                    clone: clone, path: mappings.name(of: clone).path, details: [Self.idKey: String(next * 2)]))
        }
        return planned
    }

    package func create(
        _ planned: [CloneArtefact], of master: MasterImage
    ) throws(CloneError) -> [CloneArtefact] {
        try providePool()
        for artefact in planned {
            let id = try number(of: artefact)
            try tell("create the clone \(artefact.clone)") { access throws(DeviceError) in
                try access.createThin(id, in: pool)
            }
            try map(artefact, id, of: master)
        }
        return planned
    }

    package func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact {
        let work = "reset the clone \(artefact.clone)"
        try providePool()
        _ = try mappings.mapping(of: artefact.clone, in: mappings.all(during: work))
        let new = try number(of: artefact) ^ 1
        try tell(work) { access throws(DeviceError) in try access.createThin(new, in: pool) }
        // It comes back with the content that the record names, and not before that is decided.
        try mappings.remove(mappings.name(of: artefact.clone), during: work)
        var reset = artefact
        reset.details[Self.idKey] = String(new)
        return reset
    }

    package func finishReset(of artefact: CloneArtefact, to master: MasterImage) throws(CloneError) {
        try map([artefact], of: master).checked()
        try deleteOther(of: artefact)
    }

    /// Frees what was written before the clone was last reset.
    private func deleteOther(of artefact: CloneArtefact) throws(CloneError) {
        let old = try number(of: artefact) ^ 1
        try tell("free what was written to the clone \(artefact.clone)") { access throws(DeviceError) in
            try access.deleteThin(old, in: pool)
        }
    }

    package func remove(_ made: [CloneArtefact], keeping: [CloneArtefact]) throws(CloneError) {
        guard !made.isEmpty else { return }
        let there = try mappings.all(during: "remove clones")
        for artefact in made {
            let name = mappings.name(of: artefact.clone)
            guard there[name.device]?.name == name else { continue }
            try mappings.remove(name, during: "remove the clone \(artefact.clone)")
        }
        guard !keeping.isEmpty else {
            _ = try removePool()
            return
        }
        // Without a whole pool there is nothing in it to remove.
        guard try poolFilesAreThere else { return }
        try providePool()
        for artefact in made {
            let id = try number(of: artefact)
            try tell("remove the clone \(artefact.clone)") { access throws(DeviceError) in
                try access.deleteThin(id, in: pool)
                try access.deleteThin(id ^ 1, in: pool)
            }
        }
    }

    package func checkUnused(_ artefacts: [CloneArtefact]) throws(CloneError) {
        try mappings.checkUnused(artefacts.map(\.clone))
    }

    package func map(_ artefacts: [CloneArtefact], of master: MasterImage) throws(CloneError) -> CloneMapping {
        guard try poolFilesAreThere else {
            throw CloneError(
                .other, "the pool \(dataPath) is missing, and with it what was written to its clones; remove the clones"
            )
        }
        try providePool()
        let there = try mappings.all(during: "map clones")
        return CloneMapping(artefacts) { artefact throws(CloneError) in
            guard try mappings.mapping(of: artefact.clone, in: there) == nil else { return false }
            try map(artefact, number(of: artefact), of: master)
            return true
        }
    }

    package func conditions(of queries: [CloneQuery]) -> [CloneCondition] {
        mappings.conditions(of: queries) { clone throws(BrokenClone) in
            guard (try? poolFilesAreThere) ?? true else {
                throw BrokenClone(
                    "the pool \(dataPath) is missing, and with it what was written; remove the clone \(clone)")
            }
        } judge: { clone, mapping, there throws(BrokenClone) in
            try condition(of: clone, mapping, there)
        }
    }

    /// A pool is taken away with its last clone, and otherwise by a repair alone: should the records be lost, what was
    /// written to the clones is still in it.
    package func sweep(keeping: [CloneArtefact]) throws(CloneError) -> [String] { [] }

    package func repair(keeping: [CloneArtefact]) throws(CloneError) -> [String] {
        let removed = try mappings.removeStrays(keeping: keeping) { name, state in
            switch state {
            case .thin, .failed: name != pool
            default: false
            }
        }
        if keeping.isEmpty { return try removed + removePool() }
        // A crash after a reset may have left the clone's other device.
        let there = try mappings.all(during: "look for devices that no clone owns")
        guard there[pool.device]?.name == pool else { return removed }
        for artefact in keeping { try deleteOther(of: artefact) }
        return removed
    }

    private func id(_ artefact: CloneArtefact) -> Int? {
        guard let text = artefact.details[Self.idKey], let id = Int(text), (0...Self.largestID).contains(id) else {
            return nil
        }
        return id
    }

    private func number(of artefact: CloneArtefact) throws(CloneError) -> Int {
        guard let id = id(artefact) else {
            throw CloneError(
                .other, "the record of the clone \(artefact.clone) names no device of the pool; nothing was changed")
        }
        return id
    }

    private func tell(
        _ work: String, _ body: (any MappingAccess) throws(DeviceError) -> Void
    ) throws(CloneError) {
        do throws(DeviceError) { try body(mappings.access) } catch { throw CloneError(error, during: work) }
    }

    private func map(_ artefact: CloneArtefact, _ id: Int, of master: MasterImage) throws(CloneError) {
        try mappings.add(
            MappingPlan(
                mappings.name(of: artefact.clone), sectors: master.size / 512,
                target: .thin(pool: pool, id: id, origin: master.path)),
            during: "map the clone \(artefact.clone)")
    }

    // MARK: The pool

    private var poolFilesAreThere: Bool {
        get throws(CloneError) {
            try onDisk("look for the pool of thin devices") { () throws(FileError) in
                let metadata = try site.files.status(metadataPath)
                let data = try site.files.status(dataPath)
                return metadata != nil && data != nil
            }
        }
    }

    /// Makes the pool's files and its device where they are not there.
    private func providePool() throws(CloneError) {
        let work = "set up the pool of thin devices"
        if try mappings.all(during: work)[pool.device]?.name == pool { return }
        if try !poolFilesAreThere {
            guard let sizes = ThinPool(fitting: site.bytesAvailable ?? 0) else {
                throw CloneError(.noSpace, "cannot \(work): too little space is free; free some and try again")
            }
            try onDisk(work) { () throws(FileError) in try makePool(sizes) }
        }
        let size = try onDisk(work) { () throws(FileError) in try site.files.open(dataPath, .read).size() }
        try mappings.add(
            MappingPlan(
                pool, sectors: size / 512,
                target: .thinPool(metadata: metadataPath, data: dataPath, blockSectors: ThinPool.blockSectors)),
            during: work)
    }

    /// Metadata of zeros is an empty pool; the kernel formats it. The data comes second: while it is missing there is no
    /// pool, and a half-made one is made anew.
    private func makePool(_ sizes: ThinPool) throws(FileError) {
        for (path, size) in [(metadataPath, sizes.metadata), (dataPath, sizes.data)] {
            try site.files.remove(path)
            let file = try site.files.open(path, .createPrivate)
            try file.truncate(to: size)
            // A pool whose metadata finds no room on a full disk stops for all its clones, so that room is taken now.
            if path == metadataPath { try fill(file, size) }
            try file.sync()
        }
        try site.files.syncDirectory(site.folder)
    }

    private func fill(_ file: any OpenFile, _ size: Int64) throws(FileError) {
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        var offset: Int64 = 0
        while offset < size {
            let count = Int(min(Int64(zeros.count), size - offset))
            let place = offset
            try zeros.prefix(count).withUnsafeBufferPointer { bytes throws(FileError) in
                try file.write(UnsafeRawBufferPointer(bytes), at: place)
            }
            offset += Int64(count)
        }
    }

    private func removePool() throws(CloneError) -> [String] {
        let work = "remove the pool of thin devices"
        let there = try onDisk(work) { () throws(FileError) in
            var there: [String] = []
            for path in [dataPath, metadataPath] where try site.files.status(path) != nil { there.append(path) }
            return there
        }
        guard !there.isEmpty else { return [] }
        if try mappings.all(during: work)[pool.device]?.name == pool { try mappings.remove(pool, during: work) }
        try onDisk(work) { () throws(FileError) in
            for path in there { try site.files.remove(path) }
            try site.files.syncDirectory(site.folder)
        }
        return there
    }

    private func onDisk<Result>(
        _ work: String, _ body: () throws(FileError) -> Result
    ) throws(CloneError) -> Result {
        do throws(FileError) { return try body() } catch { throw CloneError(error, during: work) }
    }

    private func condition(
        of clone: CloneName, _ mapping: Mapping, _ there: [String: Mapping]
    ) throws(BrokenClone) -> CloneCondition {
        let name = mappings.name(of: clone)
        guard case .thin = mapping.state else {
            throw BrokenClone(
                "its device \(name.path) has failed; look into the kernel's log, and reset the clone \(clone)")
        }
        guard
            case .thinPool(let used, let total, let usedTree, let totalTree, let isReadOnly) = there[pool.device]?.state
        else {
            throw BrokenClone("its pool \(pool.path) has failed; look into the kernel's log")
        }
        guard !isReadOnly else {
            throw BrokenClone(
                "its pool \(pool.path) takes no more writes; free space in the store and remove clones, and when the kernel's log asks for it run "
                    + "thin_check --clear-needs-check-flag on its metadata")
        }
        return CloneCondition(
            fill: max(Double(used) / Double(total), Double(usedTree) / Double(totalTree)), of: "the pool of its store",
            remedy: "remove clones, or reset some")
    }
}
