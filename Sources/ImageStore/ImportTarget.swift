// SPDX-License-Identifier: Apache-2.0

package import Metainfo

import FileLayer
import Synchronization

/// An image that is being made from a source inside the store. It vanishes when it is let go unregistered, and with
/// the next opening when the process dies.
package final class ImportTarget: Sendable {
    package let name: MasterName
    /// Where a converter may write the raw image; the file is there, empty, and must stay the same file.
    package let path: String
    private let store: ImageStore
    private let isOver = Mutex(false)

    init(name: MasterName, store: ImageStore) {
        self.name = name
        self.store = store
        path = store.layout.importedImage(name)
    }

    deinit { discard() }

    /// Removes what is there and frees the name. After a registration it does nothing.
    package func discard() {
        guard conclude() else { return }
        try? store.files.remove(path)
        store.release(name)
    }

    /// - Returns: whether it was not over yet.
    private func conclude() -> Bool {
        isOver.withLock { isOver in
            defer { isOver = true }
            return !isOver
        }
    }

    /// Frees the name of an image that has become a master.
    func concludeRegistered() {
        if conclude() { store.release(name) }
    }

    /// Takes over a raw source: by sharing its extents where the file system can, else by a sparse copy in the same
    /// pass that hashes it.
    /// - Throws: `.sourceChanged`, `.noSpace`, `.cancelled`, `.invalid` when the hasher's size is not the source's.
    package func fill(from source: SourceImage, _ hasher: ImageHasher) throws(StoreError) -> ImageHashes {
        guard hasher.geometry.size == source.size else {
            throw StoreError(.invalid, "\(source.path) has \(source.size) bytes, not \(hasher.geometry.size)")
        }
        if try share(source) {
            let hashes = try hasher.hash(try open(.read))
            try source.checkUnchanged()
            return hashes
        }
        try store.checkSpace(for: min(source.allocated, source.size), "making \(name)")
        let target = try open(.createOrUpdate)
        try translating { () throws(FileError) in
            try target.truncate(to: 0)
            try target.truncate(to: source.size)
        }
        let hashes = try hasher.hash(source.file, copyingTo: target)
        try source.checkUnchanged()
        return hashes
    }

    /// Hashes what a converter wrote to ``path``.
    package func hash(_ hasher: ImageHasher) throws(StoreError) -> ImageHashes {
        try hasher.hash(try open(.read))
    }

    /// The size of what is there, in bytes.
    package func size() throws(StoreError) -> Int64 {
        let file = try open(.read)
        return try translating { () throws(FileError) in try file.size() }
    }

    func open(_ mode: OpenMode) throws(StoreError) -> any OpenFile {
        try translating { () throws(FileError) in try store.files.open(path, mode) }
    }

    private func share(_ source: SourceImage) throws(StoreError) -> Bool {
        do throws(FileError) {
            try store.files.remove(path)
            try store.files.reflink(source.pathOfFile, to: path)
            return true
        } catch {
            guard error.cause == .unsupported else { throw StoreError(error) }
            return false
        }
    }
}

extension ImageStore {
    /// Begins to make a master from a source.
    /// - Throws: `.conflict` when the name is taken, by a master, by a fetch, or by another import.
    package func beginImport(_ name: MasterName) throws(StoreError) -> ImportTarget {
        try reserve(name)
        do throws(StoreError) {
            let (isMaster, isFetch) = state.withLock { ($0.masters[name] != nil, $0.fetches[name] != nil) }
            guard !isMaster else { throw .otherOrSame(name) }
            guard !isFetch else {
                throw StoreError(.conflict, "\(name) is being fetched; choose a higher version or give that fetch up")
            }
            guard try translating({ () throws(FileError) in try files.status(layout.masterImage(name)) }) == nil else {
                throw StoreError(
                    .conflict, "\(layout.masterImage(name)) is in the way and has no usable record; move it away")
            }
            try translating { () throws(FileError) in
                try files.remove(layout.importedImage(name))
                _ = try files.open(layout.importedImage(name), .createNew)
            }
        } catch {
            release(name)
            throw error
        }
        return ImportTarget(name: name, store: self)
    }

    /// Registers an imported image under the metainfo that was made from its hashes.
    /// - Throws: `.noSpace`, `.io`; the target is then still there.
    @discardableResult
    package func register(
        _ target: ImportTarget, _ metainfo: Metainfo, torrent: [UInt8], label: String?
    ) throws(StoreError) -> Master {
        let file = try target.open(.update)
        try translating { () throws(FileError) in
            try check(file, target.path, size: metainfo.geometry.size)
        }
        try publish(target.path, as: target.name, metainfo, torrent: torrent, label: label)
        target.concludeRegistered()
        return try master(named: target.name)
    }
}

extension StoreError {
    fileprivate static func otherOrSame(_ name: MasterName) -> StoreError {
        StoreError(.conflict, "\(name) exists already; choose a higher version, or remove the old one first")
    }
}
