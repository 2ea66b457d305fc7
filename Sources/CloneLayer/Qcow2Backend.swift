// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// Clones as qcow2 overlays, written natively: no tool has to be installed to make one.
package struct Qcow2Backend: CloneBackend {
    /// More than any header of a clone takes, with what qemu adds to it later.
    private static let headerBytes = 64 << 10

    private let site: CloneSite
    private let artefacts: FileArtefacts

    package init(site: CloneSite) {
        self.site = site
        artefacts = FileArtefacts(site: site, suffix: ".qcow2")
    }

    package var kind: CloneBackendKind { .qcow2 }

    package func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability {
        if let master {
            do throws(CloneError) { _ = try overlay(of: master, settings) } catch {
                return .unavailable(
                    reason: error.description, fix: "choose another size, or use --backend reflink or copy")
            }
        }
        return .available(
            CloneFacts(
                sharesBlocks: true, bytesPerClone: 3 * 4096, bytesAvailable: site.bytesAvailable,
                summary: "works on every file system and shares the master's blocks"))
    }

    package func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings, besides: [CloneArtefact]
    ) throws(CloneError) -> [CloneArtefact] {
        try artefacts.plan(clones, details: settings.details)
    }

    package func create(
        _ planned: [CloneArtefact], of master: MasterImage
    ) throws(CloneError) -> [CloneArtefact] {
        guard let first = planned.first else { return [] }
        let image = try Encoded(overlay(of: master, CloneSettings(details: first.details)))
        try artefacts.create(planned) { path throws(FileError) in try write(image, to: path) }
        return planned
    }

    package func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact {
        let image = try Encoded(overlay(of: master, CloneSettings(details: artefact.details)))
        try artefacts.replace(artefact, of: master) { path throws(FileError) in try write(image, to: path) }
        return artefact
    }

    package func remove(_ made: [CloneArtefact], keeping: [CloneArtefact]) throws(CloneError) {
        try artefacts.remove(made)
    }

    package func checkStopped(_ made: [CloneArtefact]) throws(CloneError) { try artefacts.checkStopped(made) }

    package func conditions(of queries: [CloneQuery]) -> [CloneCondition] {
        queries.map { query in
            do throws(BrokenClone) {
                try check(query.artefact, master: query.master)
                return CloneCondition(.ok)
            } catch {
                return .broken(error.reason)
            }
        }
    }

    package func sweep(keeping: [CloneArtefact]) throws(CloneError) -> [String] { try artefacts.sweep() }

    /// An overlay's bytes, the same for every clone of a master and therefore worked out once for a batch.
    private struct Encoded {
        let fileSize: Int64
        let chunks: [Qcow2Overlay.Chunk]

        init(_ overlay: Qcow2Overlay) {
            fileSize = overlay.fileSize
            chunks = overlay.encoded()
        }
    }

    private func overlay(
        of master: MasterImage, _ settings: CloneSettings
    ) throws(CloneError) -> Qcow2Overlay {
        do throws(Qcow2Error) {
            return try Qcow2Overlay(
                masterSize: master.size, backingPath: master.path,
                clusterSize: settings.clusterSize ?? Qcow2Overlay.defaultClusterSize,
                extendedL2: settings.extendedL2 ?? false)
        } catch {
            throw CloneError(.conflict, error.description)
        }
    }

    private func write(_ image: Encoded, to path: String) throws(FileError) -> any OpenFile {
        let file = try site.files.open(path, .createNew)
        try site.files.setMode(path, 0o644)
        try file.truncate(to: image.fileSize)
        for chunk in image.chunks {
            try chunk.bytes.withUnsafeBufferPointer { bytes throws(FileError) in
                try file.write(UnsafeRawBufferPointer(bytes), at: chunk.offset)
            }
        }
        return file
    }

    private func check(_ artefact: CloneArtefact, master: MasterImage?) throws(BrokenClone) {
        let status = try artefacts.status(of: artefact).get()
        let header: Qcow2Header
        do {
            header = try readHeader(artefact.path, fileSize: status.size)
        } catch {
            throw BrokenClone("\(artefact.path) cannot be read: \(error); reset the clone \(artefact.clone)")
        }
        if header.isCorrupt {
            throw BrokenClone("\(artefact.path) is marked corrupt; repair it with qemu-img check -r all, or reset it")
        }
        guard let master else {
            throw BrokenClone(
                "its master is no longer registered; fetch it again, or remove the clone \(artefact.clone)")
        }
        guard let backing = header.backingPath, backing == master.path else {
            throw BrokenClone(
                "it names '\(header.backingPath ?? "nothing")' as its backing file and not \(master.path); reset the "
                    + "clone \(artefact.clone), or change the name with qemu-img rebase -u")
        }
        guard header.backingFormat == master.format.rawValue else {
            throw BrokenClone(
                "it does not state that its backing file is raw, so a hypervisor would guess; set it with "
                    + "qemu-img rebase -u -F raw")
        }
        if let problem = master.problem { throw BrokenClone("its master is of no use now: \(problem)") }
        let known: FileStatus?
        do throws(FileError) { known = try site.files.status(master.path) } catch {
            throw BrokenClone("its master cannot be reached: \(error)")
        }
        guard let known else {
            throw BrokenClone("its master's file \(master.path) is missing; fetch \(master.name) again")
        }
        guard known.size == master.size else {
            throw BrokenClone(
                "its master's file \(master.path) has \(known.size) bytes and not \(master.size); fetch \(master.name) "
                    + "again")
        }
        // A guest's disk may have been enlarged since; a smaller one would hide the master's end.
        guard header.virtualSize >= master.size else {
            throw BrokenClone(
                "its disk has \(header.virtualSize) bytes and its master \(master.size); reset the clone "
                    + "\(artefact.clone)"
            )
        }
    }

    private func readHeader(_ path: String, fileSize: Int64) throws -> Qcow2Header {
        let file = try site.files.open(path, .read)
        var bytes = [UInt8](repeating: 0, count: Int(min(Int64(Self.headerBytes), max(0, fileSize))))
        let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        bytes.removeLast(bytes.count - count)
        return try Qcow2Header.inspect(bytes, fileSize: fileSize)
    }
}
