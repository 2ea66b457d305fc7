// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// A clone as it is spelled in the journal.
struct CloneRecord: Codable {
    let name: String
    let master: String
    let backend: String
    /// Relative to the folder of clones when it lies there, so that a store can be moved.
    let path: String
    let details: [String: String]?
    let created: Int64
    let state: String
    /// Whether there is a seed image in its place.
    let hasSeedImage: Bool?
    /// The master whose clone it is about to be instead.
    let next: String?

    init(_ clone: Clone, in folder: String) {
        name = clone.name.text
        master = clone.master.description
        backend = clone.backend.rawValue
        path =
            clone.path.hasPrefix(folder + "/") ? String(clone.path.dropFirst(folder.count + 1)) : clone.path
        details = clone.artefact.details.isEmpty ? nil : clone.artefact.details
        created = clone.created
        state = clone.state.rawValue
        hasSeedImage = clone.seedImage == nil ? nil : true
        next = clone.next?.description
    }

    /// - Returns: `nil` when a word is not known here.
    func clone(in folder: String) -> Clone? {
        guard let name = try? CloneName(name), let master = MasterName(master),
            let backend = CloneBackendKind(rawValue: backend), let state = Clone.State(rawValue: state)
        else { return nil }
        let goal = next.flatMap { MasterName($0) }
        guard (goal == nil) == (next == nil) else { return nil }
        let path = path.hasPrefix("/") ? path : "\(folder)/\(path)"
        return Clone(
            artefact: CloneArtefact(clone: name, path: path, details: details ?? [:]), master: master,
            backend: backend, created: created, state: state,
            seedImage: hasSeedImage == true ? SeedFiles.path(of: name, in: folder) : nil, next: goal)
    }
}
