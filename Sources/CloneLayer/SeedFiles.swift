// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// The seed images of a store: they lie beside the clones, come and go with them, and keep the same promises.
///
/// They may hold passwords, so that only their owner reads them; whoever runs the VM must be able to write to its disk,
/// and so is the owner too.
struct SeedFiles: Sendable {
    private let site: CloneSite
    private let artefacts: FileArtefacts

    init(site: CloneSite) {
        self.site = site
        artefacts = FileArtefacts(site: site, suffix: ".seed.iso")
    }

    /// Where a clone's seed image lies.
    static func path(of clone: CloneName, in folder: String) -> String { "\(folder)/\(clone).seed.iso" }

    /// - Throws: `.conflict` when something stands in that place already.
    func plan(_ clone: CloneName) throws(CloneError) -> String {
        _ = try artefacts.plan([clone])
        return artefacts.file(of: clone).path
    }

    /// Writes the images of clones that were planned; when it returns all of them are durable.
    func create(_ images: [SeedImage], for clones: [Clone]) throws(CloneError) {
        var waiting = images[...]
        try artefacts.create(seeds(of: clones)) { path throws(FileError) in
            guard let image = waiting.popFirst() else {
                throw FileError(
                    .other(0), operation: "write", path: path, reason: "there is no image for it; this is a bug")
            }
            return try write(image, to: path)
        }
    }

    /// Makes a seed image of another instance ready beside the clone's own, durably. A clone that has none needs none.
    /// - Throws: `.conflict` when the clone's own is not as it was made.
    func prepareReset(of clone: Clone, instance: String) throws(CloneError) {
        guard let path = clone.seedImage else { return }
        let bytes: [UInt8]
        do throws(FileError) { bytes = try site.files.contents(of: path, limit: SeedImage.longest) } catch {
            switch error.cause {
            case .notFound, .tooLarge: bytes = []
            case .denied:
                // libvirt gives it to the user that runs qemu, and does not take it back.
                throw CloneError(
                    .other,
                    "cannot reset the clone \(clone.name): \(error); give \(path) back to this user, or run this as root"
                )
            default: throw CloneError(error, during: "reset the clone \(clone.name)")
            }
        }
        guard let image = SeedImage(bytes) else {
            throw CloneError(
                .conflict,
                "the seed image \(path) is missing or not as it was made; remove the clone \(clone.name) and make it again"
            )
        }
        let fresh = artefacts.temporary(clone.name.text)
        do throws(FileError) {
            try site.files.remove(fresh)
            try write(image.renewed(instance: instance), to: fresh).sync()
        } catch {
            cancelReset(of: clone)
            throw CloneError(error, during: "reset the clone \(clone.name)")
        }
    }

    /// Puts what was made ready in its place.
    func commitReset(of clone: Clone) throws(CloneError) {
        guard let path = clone.seedImage else { return }
        do throws(FileError) {
            try site.files.rename(artefacts.temporary(clone.name.text), to: path)
            try site.files.syncDirectory(site.folder)
        } catch {
            cancelReset(of: clone)
            throw CloneError(error, during: "reset the clone \(clone.name)")
        }
    }

    /// What cannot be removed now is swept when the registry is next opened.
    func cancelReset(of clone: Clone) {
        if clone.seedImage != nil { try? site.files.remove(artefacts.temporary(clone.name.text)) }
    }

    /// Takes the images of clones away, durably.
    func remove(_ clones: [Clone]) throws(CloneError) { try artefacts.remove(seeds(of: clones)) }

    /// Takes away what an interrupted reset left.
    func sweep() throws(CloneError) -> [String] { try artefacts.sweep() }

    /// Why a clone's guest would not find its seed image; `nil` when it would, or needs none.
    func obstacle(of clone: Clone) -> String? {
        guard let path = clone.seedImage else { return nil }
        return switch artefacts.status(of: CloneArtefact(clone: clone.name, path: path)) {
        case .success: nil
        case .failure(let broken): broken.reason
        }
    }

    private func seeds(of clones: [Clone]) -> [CloneArtefact] {
        clones.compactMap { clone in clone.seedImage.map { CloneArtefact(clone: clone.name, path: $0) } }
    }

    private func write(_ image: SeedImage, to path: String) throws(FileError) -> any OpenFile {
        let file = try site.files.open(path, .createPrivate)
        try image.bytes.withUnsafeBufferPointer { buffer throws(FileError) in
            try file.write(UnsafeRawBufferPointer(buffer), at: 0)
        }
        return file
    }
}
