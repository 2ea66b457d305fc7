// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Metainfo

/// The masters as parents of differencing VHDs: `clones/NAME@VERSION.vhd`, a fixed VHD, which is the master's bytes and
/// a footer. Where the file system shares extents it shares the master's; elsewhere it is one sparse copy. No clone's
/// name holds an `@`. docs/decisions/0017-vhd-parents.md says why it is so.
///
/// A parent is there while a clone names it. That is read from the clones themselves, so a crash at any point leaves
/// either a parent in use or one that the next change or the next start takes away.
struct VhdParents: Sendable {
    let site: CloneSite
    let artefacts: FileArtefacts
    let now: @Sendable () -> Int64

    private static let suffix = ".vhd"

    func path(of master: MasterImage) -> String { "\(site.folder)/\(master.name)\(Self.suffix)" }

    /// The parent of a clone at `path`: it lies in the same folder.
    static func path(of master: MasterName, besides path: String) -> String {
        "\(path.parentDirectory)/\(master)\(suffix)"
    }

    /// The master's parent when it is there and as it was made.
    func existing(for master: MasterImage) -> VhdDifferencingDisk.Parent? {
        let path = path(of: master)
        let uniqueID = VhdIdentifier.ofParent(master.name, size: master.size)
        guard let footer = try? VhdHead.fixed(path, in: site.files), footer.uniqueID == uniqueID,
            footer.currentSize == master.size, let status = try? site.files.status(path)
        else { return nil }
        return VhdDifferencingDisk.Parent(
            path: path, uniqueID: uniqueID, modified: VhdFormat.timeStamp(status.modified / 1_000_000_000))
    }

    /// The master's parent, made if it is not there; durable when this returns.
    /// - Throws: `.conflict` when another file has its name, or what the file system says.
    func provide(for master: MasterImage) throws(CloneError) -> VhdDifferencingDisk.Parent {
        let path = path(of: master)
        let work = "make the VHD parent of \(master.name)"
        let isTaken: Bool
        do throws(FileError) {
            // One that no clone names might be of an older master of the same name.
            _ = try removeUnused()
            if let parent = existing(for: master) { return parent }
            isTaken = try site.files.status(path) != nil
        } catch {
            throw CloneError(error, during: work)
        }
        if !isTaken {
            // It is durable before any clone names it, and whatever becomes durable first of what follows.
            try artefacts.put(
                artefacts.temporary(master.name.description), at: path, of: master, during: work
            ) { fresh throws(FileError) in try make(for: master, at: fresh) }
            if let parent = existing(for: master) { return parent }
        }
        throw CloneError(
            .conflict, "\(path) is not the parent that belongs there; move it away, check the disk and try again")
    }

    /// Whether a parent would share the master's extents, found by trying.
    func canShare(_ master: MasterImage) throws(FileError) -> Bool {
        let trial = artefacts.temporary("probe")
        defer { try? site.files.remove(trial) }
        do throws(FileError) {
            try site.files.makeDirectory(site.folder)
            try site.files.remove(trial)
            try site.files.reflink(master.path, to: trial)
            return true
        } catch {
            guard error.cause == .unsupported else { throw error }
            return false
        }
    }

    /// Takes away the parents that no clone names, durably. Files that are not parents of this side's making stay.
    /// - Returns: what was removed.
    func removeUnused() throws(FileError) -> [String] {
        guard try site.files.status(site.folder) != nil else { return [] }
        let stems = try site.files.names(in: site.folder).filter { $0.hasSuffix(Self.suffix) }
            .map { String($0.dropLast(Self.suffix.count)) }
        var unused = Set(stems.filter(isParent))
        for stem in stems where !unused.isEmpty && (try? CloneName(stem)) != nil {
            // A clone that cannot be read may name any of them, and what can be saved of it needs its parent.
            guard let clone = try? VhdHead.differencing("\(site.folder)/\(stem)\(Self.suffix)", in: site.files) else {
                return []
            }
            if clone.header.parentName.hasSuffix(Self.suffix) {
                unused.remove(String(clone.header.parentName.dropLast(Self.suffix.count)))
            }
        }
        let paths = unused.sorted().map { "\(site.folder)/\($0)\(Self.suffix)" }
        for path in paths { try site.files.remove(path) }
        if !paths.isEmpty { try site.files.syncDirectory(site.folder) }
        return paths
    }

    private func isParent(_ stem: String) -> Bool {
        guard let name = MasterName(stem),
            let footer = try? VhdHead.fixed("\(site.folder)/\(stem)\(Self.suffix)", in: site.files)
        else { return false }
        return footer.uniqueID == .ofParent(name, size: footer.currentSize)
    }

    private func make(for master: MasterImage, at fresh: String) throws(FileError) {
        let footer: VhdFooter
        do throws(VhdError) {
            footer = try VhdFooter(
                .fixed, size: master.size, uniqueID: .ofParent(master.name, size: master.size),
                created: VhdFormat.timeStamp(now()))
        } catch {
            throw FileError(.unsupported, operation: "make", path: path(of: master), reason: error.description)
        }
        let file = try content(of: master, at: fresh)
        let end = master.size
        try footer.encoded().withUnsafeBufferPointer { bytes throws(FileError) in
            try file.write(UnsafeRawBufferPointer(bytes), at: end)
        }
        try site.files.setMode(fresh, 0o444)
        try file.sync()
    }

    private func content(of master: MasterImage, at path: String) throws(FileError) -> any OpenFile {
        do throws(FileError) {
            try site.files.reflink(master.path, to: path)
            return try site.files.open(path, .update)
        } catch {
            guard error.cause == .unsupported else { throw error }
            return try SparseCopy(files: site.files).copy(master, to: path)
        }
    }
}
