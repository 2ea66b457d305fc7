// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// What the backends whose clones are plain files have in common: where the files lie, and the order of writes.
struct FileArtefacts: Sendable {
    let site: CloneSite
    /// With its dot, such as `.qcow2`.
    let suffix: String

    /// No clone's name begins with a dot, so what carries this prefix is ours and unfinished.
    private static let temporaryPrefix = ".drover-"
    /// Files that wait open for their sync: well below the usual limit of 1,024 descriptors.
    private static let openAtOnce = 128

    /// A name for something that must not outlive the call.
    func temporary(_ name: String) -> String { "\(site.folder)/\(Self.temporaryPrefix)\(name)\(suffix)" }

    /// The file of a clone.
    func file(of clone: CloneName) -> CloneArtefact {
        CloneArtefact(clone: clone, path: "\(site.folder)/\(clone)\(suffix)")
    }

    /// - Throws: `.conflict` when a file stands in a clone's place.
    func plan(_ clones: [CloneName], details: [String: String] = [:]) throws(CloneError) -> [CloneArtefact] {
        var artefacts: [CloneArtefact] = []
        artefacts.reserveCapacity(clones.count)
        for clone in clones {
            var artefact = file(of: clone)
            let taken: Bool
            do throws(FileError) { taken = try site.files.status(artefact.path) != nil } catch {
                throw CloneError(error, during: "create the clone \(clone)")
            }
            guard !taken else {
                throw CloneError(
                    .conflict,
                    "\(artefact.path) is there already and no clone owns it; move it away or choose another name")
            }
            artefact.details = details
            artefacts.append(artefact)
        }
        return artefacts
    }

    /// Makes every file, then syncs them, then the folder once. Writing all before syncing any lets the file system
    /// commit them together.
    func create(
        _ artefacts: [CloneArtefact], make: (String) throws(FileError) -> any OpenFile
    ) throws(CloneError) {
        guard let first = artefacts.first else { return }
        do throws(FileError) {
            var waiting: [any OpenFile] = []
            for artefact in artefacts {
                waiting.append(try make(artefact.path))
                if waiting.count == Self.openAtOnce {
                    try BatchSync.sync(waiting)
                    waiting.removeAll()
                }
            }
            try BatchSync.sync(waiting)
            try site.files.syncDirectory(site.folder)
        } catch {
            throw CloneError(
                error, during: "create the clone \(first.clone)\(artefacts.count > 1 ? " and others" : "")")
        }
    }

    /// Makes a fresh file of `master` beside the old one, syncs it and renames it into place.
    func replace(
        _ artefact: CloneArtefact, of master: MasterImage, make: (String) throws(FileError) -> any OpenFile
    ) throws(CloneError) {
        try checkPlace(artefact)
        try put(
            temporary(artefact.clone.text), at: artefact.path, of: master, during: "reset the clone \(artefact.clone)"
        ) {
            path throws(FileError) in try make(path).sync()
        }
    }

    /// Puts a file that `make` makes of `master` in a place, under its temporary name until it is whole and the master's.
    func put(
        _ fresh: String, at path: String, of master: MasterImage, during work: String,
        make: (String) throws(FileError) -> Void
    ) throws(CloneError) {
        func step(_ body: () throws(FileError) -> Void) throws(CloneError) {
            do throws(FileError) { try body() } catch { throw CloneError(error, during: work) }
        }
        do throws(CloneError) {
            try step { () throws(FileError) in
                try site.files.remove(fresh)
                try make(fresh)
            }
            try site.checkUnchanged(master)
            try step { () throws(FileError) in try site.files.rename(fresh, to: path) }
        } catch {
            // What cannot be removed now is swept when the registry is next opened.
            try? site.files.remove(fresh)
            throw error
        }
        try step { () throws(FileError) in try site.files.syncDirectory(site.folder) }
    }

    func remove(_ artefacts: [CloneArtefact]) throws(CloneError) {
        for artefact in artefacts { try checkPlace(artefact) }
        guard let first = artefacts.first else { return }
        do throws(FileError) {
            // Without the folder there is nothing to remove: it is made after the first plan.
            guard try site.files.status(site.folder) != nil else { return }
            for artefact in artefacts { try site.files.remove(artefact.path) }
            try site.files.syncDirectory(site.folder)
        } catch {
            throw CloneError(
                error, during: "remove the clone \(first.clone)\(artefacts.count > 1 ? " and others" : "")")
        }
    }

    /// - Throws: `.conflict` when a machine, or anybody else, has one of the files open.
    func checkStopped(_ artefacts: [CloneArtefact]) throws(CloneError) {
        for artefact in artefacts {
            let isInUse: Bool
            do throws(FileError) { isInUse = try site.files.isInUse(artefact.path) } catch {
                throw CloneError(error, during: "see whether the clone \(artefact.clone) is in use")
            }
            guard !isInUse else {
                throw CloneError(
                    .conflict,
                    "the clone \(artefact.clone) is in use: \(artefact.path) is open; shut its machine down first")
            }
        }
    }

    func sweep() throws(CloneError) -> [String] {
        do throws(FileError) {
            guard try site.files.status(site.folder) != nil else { return [] }
            var swept: [String] = []
            for name in try site.files.names(in: site.folder)
            where name.hasPrefix(Self.temporaryPrefix) && name.hasSuffix(suffix) {
                try site.files.remove("\(site.folder)/\(name)")
                swept.append("\(site.folder)/\(name)")
            }
            if !swept.isEmpty { try site.files.syncDirectory(site.folder) }
            return swept
        } catch {
            throw CloneError(error, during: "clean up after an interrupted run")
        }
    }

    /// What is known of the artefact's file, or the reason why it is broken.
    func status(of artefact: CloneArtefact) -> Result<FileStatus, BrokenClone> {
        do throws(FileError) {
            if let status = try site.files.status(artefact.path) { return .success(status) }
            return .failure(
                BrokenClone("\(artefact.path) is missing; put it back, or remove the clone \(artefact.clone)"))
        } catch {
            return .failure(BrokenClone("\(error); check the disk"))
        }
    }

    /// Health of a raw file that lives on without its master.
    func healthOfRawFile(_ artefact: CloneArtefact, master: MasterImage?) -> CloneHealth {
        switch status(of: artefact) {
        case .failure(let broken): return .broken(reason: broken.reason)
        case .success(let status):
            // A guest's disk may have been enlarged since; only a shorter one has lost something.
            if let master, status.size < master.size {
                return .broken(
                    reason: "\(artefact.path) holds \(status.size) of \(master.size) bytes; reset the clone "
                        + "\(artefact.clone)")
            }
            return .ok
        }
    }

    /// A record that was tampered with must not be able to take away a file elsewhere.
    private func checkPlace(_ artefact: CloneArtefact) throws(CloneError) {
        guard artefact.path == "\(site.folder)/\(artefact.clone)\(suffix)" else {
            throw CloneError(
                .other,
                "the record of the clone \(artefact.clone) names \(artefact.path), which is not its place; nothing was "
                    + "changed")
        }
    }
}

/// Why a clone cannot be used.
struct BrokenClone: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
