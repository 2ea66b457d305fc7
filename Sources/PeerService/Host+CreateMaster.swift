// SPDX-License-Identifier: Apache-2.0

import FileLayer
import FleetIdentity
import ImageHeaders
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
        let (lock, before, size) = try await blocking { [files] in
            guard try files.status(path) != nil else {
                throw HostFailure(.notFound, "there is no image at \(order.source); check the path")
            }
            let lock = try SourceLock(path)
            let before = try lock.stamp()
            let image = ForeignImage(size: before.size) { try lock.bytes(at: $0, count: $1) }
            try Self.checkName(order, image)
            return (lock, before, try order.format.check(image, called: order.source))
        }
        if order.format == .raw {
            let source = try await blocking { [files] in try SourceImage(path, files: files, lock: lock) }
            return try await register(target, order, size: source.size, progress) { hasher in
                try target.fill(from: source, hasher)
            }
        }
        // What cannot become a master need not be converted.
        _ = try geometry(order, size: Int64(clamping: size))
        let conversion = SourceConversion(
            source: lock, name: order.source, format: order.format, target: target.path, tools: tools,
            isFull: { [files] in
                guard let space = try? files.space(at: target.path) else { return false }
                return space.available < min(space.total / 100 * 3, 2 << 30)
            })
        try await interruptible { isCancelled in
            try conversion.run(
                isCancelled: isCancelled,
                progress: { progress(HostProgress(phase: "converting", done: Int64($0), total: 1000)) })
        }
        let made = try await blocking {
            guard try lock.stamp() == before else {
                throw HostFailure(.conflict, "\(order.source) changed while it was converted; stop what writes to it")
            }
            return try target.size()
        }
        guard made == Int64(clamping: size) else {
            throw HostFailure(
                .failed,
                "qemu-img made \(made) bytes of \(order.source), whose header says \(size); convert it to raw by hand")
        }
        return try await register(target, order, size: made, progress) { hasher in try target.hash(hasher) }
    }

    /// A name that says raw is no statement when the content begins like something else: it may be a wrong name, or a
    /// guest's doing.
    private static func checkName(_ order: HostRequest.CreateMaster, _ image: ForeignImage) throws {
        guard order.format == .raw, !order.isFormatStated, let other = try SourceFormat(beginningOf: image) else {
            return
        }
        throw HostFailure(
            .usage,
            "\(order.source) begins like a \(other.rawValue) image and its name stands for raw; say which it is with "
                + "--source-format \(other.rawValue) or --source-format raw")
    }

    private func geometry(_ order: HostRequest.CreateMaster, size: Int64) throws -> PieceGeometry {
        let length = order.pieceLength ?? PieceGeometry.preferredPieceLength(forSize: size)
        guard let geometry = PieceGeometry(size: size, pieceLength: length) else {
            throw HostFailure(
                .usage, "an image of \(size) bytes cannot be cut into pieces of \(length) bytes; choose longer pieces")
        }
        return geometry
    }

    private func register(
        _ target: ImportTarget, _ order: HostRequest.CreateMaster, size: Int64,
        _ progress: @escaping @Sendable (HostProgress) -> Void,
        _ hash: @escaping @Sendable (ImageHasher) throws -> ImageHashes
    ) async throws -> MasterReport {
        let geometry = try geometry(order, size: size)
        return try await interruptible { isCancelled in
            var hasher = ImageHasher(geometry)
            hasher.includesVersion1 = order.hybrid
            hasher.progress = { progress(HostProgress(phase: "hashing", done: $0, total: size)) }
            hasher.isCancelled = isCancelled
            let hashes = try hash(hasher)
            let torrent = TorrentWriter(
                name: target.name.fileName, geometry: geometry, pieceHashes: hashes.pieceHashes,
                v1Pieces: hashes.v1Pieces, trackers: order.trackers.compactMap { TrackerURL($0)?.announce },
                webSeeds: order.webSeeds,
                authority: order.isOpen ? nil : self.enrolment.membership?.identity.anchor.pem
            ).encoded
            return self.report(
                try self.store.register(target, Metainfo(torrent: torrent), torrent: torrent, label: order.label))
        }
    }
}
