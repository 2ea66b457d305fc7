// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// Clones as raw files that share the master's extents (FICLONE on XFS, btrfs and others).
package struct ReflinkBackend: CloneBackend {
    private let site: CloneSite
    private let artefacts: FileArtefacts

    package init(site: CloneSite) {
        self.site = site
        artefacts = FileArtefacts(site: site, suffix: ".raw")
    }

    package var kind: CloneBackendKind { .reflink }

    /// Tries it with the master, which also shows whether both lie in one file system; without one, with a small file.
    package func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability {
        let source = artefacts.temporary("probe-source")
        let target = artefacts.temporary("probe")
        defer {
            for path in [source, target] { try? site.files.remove(path) }
        }
        do throws(FileError) {
            try site.files.makeDirectory(site.folder)
            try site.files.remove(target)
            if let master {
                try site.files.reflink(master.path, to: target)
            } else {
                let file = try site.files.open(source, .createOrUpdate)
                try file.truncate(to: 4096)
                try site.files.reflink(source, to: target)
            }
        } catch {
            if error.cause == .unsupported {
                return .unavailable(
                    reason: "the file system of \(site.folder) cannot share the master's extents",
                    fix: "put the store on XFS or btrfs, or use --backend qcow2")
            }
            // The file system can, once there is room.
            if error.cause == .noSpace { return .available(facts(bytesAvailable: 0)) }
            return .unavailable(reason: error.description, fix: "repair that, or use --backend qcow2")
        }
        return .available(facts(bytesAvailable: site.bytesAvailable))
    }

    private func facts(bytesAvailable: Int64?) -> CloneFacts {
        CloneFacts(
            sharesBlocks: true, bytesPerClone: 4096, bytesAvailable: bytesAvailable,
            summary: "a raw file that shares the master's blocks through the file system")
    }

    package func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings, besides: [CloneArtefact]
    ) throws(CloneError) -> [CloneArtefact] {
        try artefacts.plan(clones)
    }

    package func create(
        _ planned: [CloneArtefact], of master: MasterImage
    ) throws(CloneError) -> [CloneArtefact] {
        try artefacts.create(planned) { path throws(FileError) in try share(master, as: path) }
        return planned
    }

    package func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact {
        try artefacts.replace(artefact, of: master) { path throws(FileError) in try share(master, as: path) }
        return artefact
    }

    package func remove(_ made: [CloneArtefact], keeping: [CloneArtefact]) throws(CloneError) {
        try artefacts.remove(made)
    }

    package func checkStopped(_ made: [CloneArtefact]) throws(CloneError) { try artefacts.checkStopped(made) }

    package func conditions(of queries: [CloneQuery]) -> [CloneCondition] {
        queries.map { CloneCondition(artefacts.healthOfRawFile($0.artefact, master: $0.master)) }
    }

    package func sweep(keeping: [CloneArtefact]) throws(CloneError) -> [String] { try artefacts.sweep() }

    private func share(_ master: MasterImage, as path: String) throws(FileError) -> any OpenFile {
        try site.files.reflink(master.path, to: path)
        // The master is read-only; its clone is there to be written.
        try site.files.setMode(path, 0o644)
        return try site.files.open(path, .update)
    }
}
