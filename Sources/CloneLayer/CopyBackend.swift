// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// Clones as raw files of their own: a full copy that keeps the master's holes. It works everywhere and shares nothing.
package struct CopyBackend: CloneBackend {
    private let site: CloneSite
    private let artefacts: FileArtefacts

    package init(site: CloneSite) {
        self.site = site
        artefacts = FileArtefacts(site: site, suffix: ".raw")
    }

    package var kind: CloneBackendKind { .copy }

    package func probe(_ master: MasterImage?, settings: CloneSettings) -> CloneCapability {
        var bytes: Int64 = 0
        if let master {
            bytes = (try? site.files.status(master.path))?.allocated ?? master.size
        }
        return .available(
            CloneFacts(
                sharesBlocks: false, bytesPerClone: bytes, bytesAvailable: site.bytesAvailable,
                summary: "a full copy: every clone takes as much space as its master and is made by reading all of it"))
    }

    package func plan(
        _ clones: [CloneName], of master: MasterImage, settings: CloneSettings, besides: [CloneArtefact]
    ) throws(CloneError) -> [CloneArtefact] {
        try artefacts.plan(clones)
    }

    package func create(
        _ planned: [CloneArtefact], of master: MasterImage
    ) throws(CloneError) -> [CloneArtefact] {
        try artefacts.create(planned) { path throws(FileError) in try copy(master, to: path) }
        return planned
    }

    package func reset(_ artefact: CloneArtefact, to master: MasterImage) throws(CloneError) -> CloneArtefact {
        try artefacts.replace(artefact, of: master) { path throws(FileError) in try copy(master, to: path) }
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

    private func copy(_ master: MasterImage, to path: String) throws(FileError) -> any OpenFile {
        try SparseCopy(files: site.files).copy(master, to: path)
    }
}
