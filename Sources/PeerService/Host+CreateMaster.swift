// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import PeerTransport
import TrackerProtocol

extension Host {
    /// Makes a master of a source image: converted where it is not raw, copied into the store, hashed, registered.
    func createMaster(
        _ order: HostRequest.CreateMaster, progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws -> MasterReport {
        guard let name = MasterName(name: order.name, version: order.version) else {
            throw HostFailure(
                .usage,
                "'\(order.name)' version \(order.version) does not name a master; a name has up to 63 letters, digits, "
                    + "'.', '_' or '-', and a version is a positive number")
        }
        for tracker in order.trackers { _ = try TrackerClient.url(tracker) }
        for url in order.webSeeds where WebSeedAddress(url, name: "") == nil {
            throw HostFailure(.usage, "'\(url)' is not a web seed's URL; write it like http://server.example/images/")
        }
        if let length = order.pieceLength, !PieceGeometry.isValid(pieceLength: length) {
            throw HostFailure(.usage, "--piece-length \(length) is not a power of two from 16384 to 268435456")
        }
        let target = try store.beginImport(name)
        do {
            return try await createMaster(order, in: target, progress)
        } catch {
            // Some thread may hold on to the target for a moment yet, and this process may end before that. A task that
            // was cancelled gets no more work done on other threads, so it is done here.
            try? files.remove(target.path)
            throw error
        }
    }

    private func createMaster(
        _ order: HostRequest.CreateMaster, in target: ImportTarget,
        _ progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws -> MasterReport {
        let path = StoreLayout.resolve(order.source)
        let lock = try await blocking { [files] in
            guard try files.status(path) != nil else {
                throw HostFailure(.notFound, "there is no image at \(order.source); check the path")
            }
            let lock = try SourceLock(path)
            try order.format.checkSelfContained(path, files: files)
            return lock
        }
        if order.format == .raw {
            let source = try await blocking { [files] in try SourceImage(path, files: files, lock: lock) }
            return try await register(target, order, size: source.size, progress) { hasher in
                try target.fill(from: source, hasher)
            }
        }
        try await convert(path, order, to: target, progress)
        let size = try await blocking { try target.size() }
        return try await register(target, order, size: size, progress) { hasher in try target.hash(hasher) }
    }

    private func convert(
        _ path: String, _ order: HostRequest.CreateMaster, to target: ImportTarget,
        _ progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws {
        let before = try files.status(path)
        try await SourceConversion(source: path, format: order.format, target: target.path).run { part in
            progress(HostProgress(phase: "converting", done: Int64(part), total: 1000))
        }
        guard try files.status(path) == before else {
            throw HostFailure(.conflict, "\(order.source) changed while it was converted; stop what writes to it")
        }
    }

    private func register(
        _ target: ImportTarget, _ order: HostRequest.CreateMaster, size: Int64,
        _ progress: @escaping @Sendable (HostProgress) -> Void,
        _ hash: @escaping @Sendable (ImageHasher) throws -> ImageHashes
    ) async throws -> MasterReport {
        let length = order.pieceLength ?? PieceGeometry.preferredPieceLength(forSize: size)
        guard let geometry = PieceGeometry(size: size, pieceLength: length) else {
            throw HostFailure(
                .usage, "an image of \(size) bytes cannot be cut into pieces of \(length) bytes; choose longer pieces")
        }
        return try await interruptible { isCancelled in
            var hasher = ImageHasher(geometry)
            hasher.includesVersion1 = order.hybrid
            hasher.progress = { progress(HostProgress(phase: "hashing", done: $0, total: size)) }
            hasher.isCancelled = isCancelled
            let hashes = try hash(hasher)
            let torrent = TorrentWriter(
                name: target.name.fileName, geometry: geometry, pieceHashes: hashes.pieceHashes,
                v1Pieces: hashes.v1Pieces, trackers: order.trackers.compactMap { TrackerURL($0)?.announce },
                webSeeds: order.webSeeds
            ).encoded
            return self.report(
                try self.store.register(target, Metainfo(torrent: torrent), torrent: torrent, label: order.label))
        }
    }
}
