// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Glibc

/// Clones as differencing VHDs over a fixed VHD of the master, written natively. Hyper-V and Xen's blktap open them.
///
/// Never hand one to qemu: its `vpc` driver opens a differencing VHD without a word, knows of no parent, and reads zeros
/// wherever the clone has not been written. `auto` therefore never takes this backend, and whatever writes a
/// configuration for qemu has to refuse its clones with ``obstacleToQemu``.
package struct VhdBackend: CloneBackend {
    /// Why qemu must not be given a clone of this backend, and what to do.
    package static let obstacleToQemu =
        "a differencing VHD cannot be given to qemu, which would read zeros in place of the master; make the clone with "
        + "--backend qcow2, reflink or copy"

    private let site: CloneSite
    private let artefacts: FileArtefacts
    private let parents: VhdParents
    private let now: @Sendable () -> Int64
    private let newID: @Sendable () -> VhdIdentifier

    /// - Parameters:
    ///   - now: seconds since 1970; the machine's clock when it is `nil`.
    ///   - newID: the UUID of the next clone.
    package init(
        site: CloneSite, now: (@Sendable () -> Int64)? = nil,
        newID: @escaping @Sendable () -> VhdIdentifier = { .random() }
    ) {
        self.site = site
        self.now = now ?? { Int64(time(nil)) }
        self.newID = newID
        artefacts = FileArtefacts(site: site, suffix: ".vhd")
        parents = VhdParents(site: site, artefacts: artefacts, now: self.now)
    }

    package var kind: CloneBackendKind { .vhd }

    package func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability {
        let general = "only Xen and Hyper-V open it, never qemu, which would read zeros"
        guard let master else {
            return .available(
                CloneFacts(
                    sharesBlocks: true, bytesPerClone: 4096, bytesAvailable: site.bytesAvailable, summary: general))
        }
        let size: Int
        do throws(CloneError) {
            let parent = VhdDifferencingDisk.Parent(path: parents.path(of: master), uniqueID: .none, modified: 0)
            size = try disk(of: master, over: parent).fileSize
        } catch {
            return .unavailable(reason: error.description, fix: "or use --backend qcow2, reflink or copy")
        }
        var facts = CloneFacts(
            sharesBlocks: true, bytesPerClone: Int64(size + 4095) / 4096 * 4096, bytesAvailable: site.bytesAvailable,
            summary: "\(general); it shares the parent that other clones of the master use")
        guard parents.existing(for: master) == nil else { return .available(facts) }
        do throws(FileError) {
            if try parents.canShare(master) {
                facts.summary = "\(general); its parent shares the master's blocks through the file system"
            } else {
                facts.bytesOnce = (try? site.files.status(master.path))?.allocated ?? master.size
                facts.summary = "\(general); its parent is one full copy of the master, which all its vhd clones share"
            }
        } catch {
            guard error.cause == .noSpace else {
                return .unavailable(reason: error.description, fix: "repair that, or use another backend")
            }
            // The file system can, once there is room.
            facts.bytesAvailable = 0
        }
        return .available(facts)
    }

    package func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings, besides: [CloneArtefact]
    ) throws(CloneError) -> [CloneArtefact] {
        try artefacts.plan(clones)
    }

    package func create(
        _ planned: [CloneArtefact], of master: MasterImage
    ) throws(CloneError) -> [CloneArtefact] {
        let disk = try disk(of: master, over: parents.provide(for: master))
        try artefacts.create(planned) { path throws(FileError) in try write(disk, to: path) }
        return planned
    }

    package func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact {
        let disk = try disk(of: master, over: parents.provide(for: master))
        try artefacts.replace(artefact, of: master) { path throws(FileError) in try write(disk, to: path) }
        return artefact
    }

    package func remove(_ made: [CloneArtefact], keeping: [CloneArtefact]) throws(CloneError) {
        try artefacts.remove(made)
        _ = try removeUnusedParents()
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

    package func sweep(keeping: [CloneArtefact]) throws(CloneError) -> [String] {
        try artefacts.sweep() + removeUnusedParents()
    }

    private func removeUnusedParents() throws(CloneError) -> [String] {
        do throws(FileError) { return try parents.removeUnused() } catch {
            throw CloneError(error, during: "remove a VHD parent that no clone uses")
        }
    }

    private func disk(
        of master: MasterImage, over parent: VhdDifferencingDisk.Parent
    ) throws(CloneError) -> VhdDifferencingDisk {
        do throws(VhdError) {
            return try VhdDifferencingDisk(
                size: master.size, parent: parent, created: VhdFormat.timeStamp(now()))
        } catch {
            throw CloneError(.conflict, error.description)
        }
    }

    private func write(_ disk: VhdDifferencingDisk, to path: String) throws(FileError) -> any OpenFile {
        let file = try site.files.open(path, .createNew)
        try site.files.setMode(path, 0o644)
        try disk.encoded(as: newID()).withUnsafeBufferPointer { bytes throws(FileError) in
            try file.write(UnsafeRawBufferPointer(bytes), at: 0)
        }
        return file
    }

    private func check(_ artefact: CloneArtefact, master: MasterImage?) throws(BrokenClone) {
        _ = try artefacts.status(of: artefact).get()
        let footer: VhdFooter
        let header: VhdDynamicHeader
        do throws(BrokenClone) {
            (footer, header) = try VhdHead.differencing(artefact.path, in: site.files)
        } catch {
            throw BrokenClone("\(artefact.path) cannot be read: \(error.reason); reset the clone \(artefact.clone)")
        }
        guard let master else {
            throw BrokenClone(
                "its master is no longer registered; fetch it again, or remove the clone \(artefact.clone)")
        }
        let path = parents.path(of: master)
        guard header.parentName == path.lastPathComponent,
            header.parentID == .ofParent(master.name, size: master.size)
        else {
            throw BrokenClone(
                "it names '\(header.parentName)' as its parent and not the \(path.lastPathComponent) of its master; "
                    + "reset the clone \(artefact.clone)")
        }
        guard footer.currentSize >= master.size else {
            throw BrokenClone(
                "its disk has \(footer.currentSize) bytes and its master \(master.size); reset the clone "
                    + "\(artefact.clone)")
        }
        guard parents.existing(for: master) != nil else {
            throw BrokenClone(
                "its parent \(path) is missing or damaged; move away what is there and make a further vhd clone of "
                    + "\(master.name), which makes it again")
        }
    }
}
