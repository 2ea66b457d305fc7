// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import Synchronization
import TestSupport
import Testing

/// One image and the fetch of it, driven as a peer would.
struct StoreFixture {
    static let root = "/srv/drover"

    let image: TestImage
    /// Stands for the image's bytes where they are compared often.
    let digest: SHA256Digest
    let torrent: [UInt8]
    let metainfo: Metainfo
    let name: MasterName
    var request = FetchRequest(
        trackers: ["http://tracker/"], clones: FetchRequest.Clones(base: "desk", count: 2), label: "spring")

    /// An image of 11 pieces, the last of 100 bytes, unless something else is wanted.
    init(
        _ name: String = "office@3", size: Int = 10 * 16384 + 100, pieceLength: Int = 16384, seed: UInt64 = 7
    ) throws {
        self.name = try #require(MasterName(name))
        image = try TestImage(size: size, pieceLength: pieceLength, seed: seed)
        digest = SHA256Digest(hashing: image.bytes)
        torrent = image.torrent(name: self.name.fileName)
        metainfo = try Metainfo(torrent: torrent)
    }

    var masterPath: String { "\(Self.root)/masters/\(name).raw" }

    func open(_ files: any FileAccess, root: String = StoreFixture.root) throws(StoreError) -> ImageStore {
        try ImageStore.open(root: root, files: files, create: true, locks: FreeLocks(), clock: { 1_700_000_000 })
    }

    func begin(_ store: ImageStore) throws(StoreError) -> PartialImage {
        try store.beginFetch(metainfo, torrent: torrent, as: name, request: request)
    }

    /// Writes a piece as it should be.
    func write(_ number: Int, to partial: PartialImage) throws {
        let piece = try #require(image.geometry.piece(number))
        try image.bytes(of: piece).withUnsafeBytes { try partial.write($0, at: image.geometry.offset(of: piece)) }
    }

    /// Does whatever is still to be done, from wherever the store is, until the request is fulfilled.
    func finish(_ store: ImageStore, recorded: ([PieceIndex]) -> Void = { _ in }) throws {
        do throws(StoreError) {
            let partial = try begin(store)
            do {
                var batch: [PieceIndex] = []
                for piece in image.geometry.pieces where !partial.isVerified(piece) {
                    try write(piece.number, to: partial)
                    batch.append(piece)
                    if batch.count == 3 {
                        try partial.recordVerified(batch)
                        recorded(batch)
                        batch = []
                    }
                }
                try partial.recordVerified(batch)
                recorded(batch)
                try store.register(partial)
            } catch let error as StoreError {
                throw error
            } catch {
                throw StoreError(.invalid, "\(error)")
            }
        } catch {
            guard error.kind == .alreadyRegistered else { throw error }
        }
        try store.finishRequest(of: name)
    }

    /// Expects that everything which the store claims is true.
    func expectHonest(_ store: ImageStore, _ files: CrashFiles, _ comment: Comment) throws {
        for master in store.masters() {
            #expect(master.state == .registered, comment)
            #expect(files.bytes(at: master.path).map { SHA256Digest(hashing: $0) } == digest, comment)
            #expect(try files.status(master.path)?.mode == 0o444, comment)
            #expect(try store.torrent(of: master.name) == torrent, comment)
        }
        for partial in store.partials() {
            let image = try store.resume(partial.name)
            try expectHonest(image, comment)
        }
    }

    func expectHonest(_ partial: PartialImage, _ comment: Comment) throws {
        for piece in image.geometry.pieces where partial.isVerified(piece) {
            var bytes = [UInt8](repeating: 0xee, count: image.geometry.length(of: piece))
            let count = try bytes.withUnsafeMutableBytes {
                try partial.read(into: $0, at: image.geometry.offset(of: piece))
            }
            #expect(count == bytes.count, comment)
            #expect(SHA256Digest(hashing: bytes) == SHA256Digest(hashing: image.bytes(of: piece)), comment)
        }
    }

    /// Expects exactly the registered master and nothing that is left over.
    func expectFinished(_ files: CrashFiles, _ comment: Comment) throws {
        #expect(files.bytes(at: masterPath).map { SHA256Digest(hashing: $0) } == digest, comment)
        let expected = ["json", "raw", "torrent"].map { "\(name).\($0)" }
        #expect(try files.names(in: "\(Self.root)/masters") == expected, comment)
        #expect(try files.names(in: "\(Self.root)/partial") == [], comment)
    }
}

/// For stores in memory, which no other process can reach.
struct FreeLocks: StoreLocking {
    private final class Held: HeldStoreLock {}

    func acquire(_ path: String) -> StoreLockOutcome { .held(Held()) }
}

/// A value that closures running elsewhere may set.
final class Box<Value: Sendable>: Sendable {
    private let content: Mutex<Value>

    init(_ value: Value) { content = Mutex(value) }

    var value: Value {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }
}
