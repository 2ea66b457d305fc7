// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import TestSupport
import Testing

struct ImageHasherTests {
    let folder: TemporaryDirectory
    let files = PosixFiles()

    init() throws { folder = try TemporaryDirectory() }

    /// Writes an image the way a sparse copy would.
    private func write(_ image: TestImage, _ name: String = "source.raw") throws -> String {
        let path = "\(folder.path)/\(name)"
        let file = try files.open(path, .createNew)
        try file.truncate(to: image.geometry.size)
        for piece in image.geometry.pieces where piece.number % 3 != 2 {
            try image.bytes(of: piece).withUnsafeBytes { try file.write($0, at: image.geometry.offset(of: piece)) }
        }
        return path
    }

    @Test(arguments: [
        (1, 16384), (16384, 16384), (16385, 16384), (100_000, 16384), (100_000, 1 << 20), (5 << 20, 1 << 20),
        ((5 << 20) + 12345, 512 * 1024), (3 << 20, 256 * 1024),
    ])
    func `hashes are those computed the plain way, with any number of workers`(_ size: Int, _ length: Int) throws {
        let image = try TestImage(size: size, pieceLength: length, seed: UInt64(size))
        let source = try files.open(try write(image), .read)
        let sha1: [UInt8] = image.geometry.pieces.flatMap { SHA1Digest(hashing: image.bytes(of: $0)).bytes }
        for workers in [1, 2, 5] {
            var hasher = ImageHasher(image.geometry)
            hasher.workerCount = workers
            #expect(try hasher.hash(source) == ImageHashes(pieceHashes: image.pieceHashes, v1Pieces: nil))
            hasher.includesVersion1 = true
            #expect(try hasher.hash(source) == ImageHashes(pieceHashes: image.pieceHashes, v1Pieces: sha1))
        }
    }

    @Test func `holes are not read, and zeros in data are not copied`() throws {
        let image = try TestImage(size: 6 << 20, pieceLength: 1 << 20)
        let memory = CrashFiles()
        try memory.put(image.bytes, at: "/source.raw")
        try memory.put([UInt8](repeating: 0, count: 6 << 20), at: "/target.raw")
        let target = try memory.open("/target.raw", .update)
        let hashes = try ImageHasher(image.geometry).hash(try memory.open("/source.raw", .read), copyingTo: target)
        #expect(hashes.pieceHashes == image.pieceHashes)
        #expect(memory.bytesRead(suffix: "source.raw") == 4 << 20)
        #expect(memory.bytes(at: "/target.raw") == image.bytes)

        let solid = try files.open("\(folder.path)/solid.raw", .createNew)
        try image.bytes.withUnsafeBytes { try solid.write($0, at: 0) }
        let copy = try files.open("\(folder.path)/copy.raw", .createNew)
        try copy.truncate(to: 6 << 20)
        #expect(try ImageHasher(image.geometry).hash(solid, copyingTo: copy).pieceHashes == image.pieceHashes)
        #expect(try files.contents(of: "\(folder.path)/copy.raw", limit: 7 << 20) == image.bytes)
        #expect(try files.status("\(folder.path)/copy.raw")?.allocated ?? .max <= 3 << 20)
    }

    @Test func `progress ascends to the size, and a cancelled run says so`() throws {
        let image = try TestImage(size: 100_000)
        let source = try files.open(try write(image), .read)
        var hasher = ImageHasher(image.geometry)
        let seen = Box<[Int64]>([])
        hasher.progress = { seen.value.append($0) }
        _ = try hasher.hash(source)
        #expect(seen.value == seen.value.sorted() && seen.value.last == 100_000)
        hasher.isCancelled = { true }
        #expect(#expect(throws: StoreError.self) { try hasher.hash(source) }?.kind == .cancelled)
    }

    @Test func `an import registers the source, and a retry after letting go works`() throws {
        let fixture = try StoreFixture(size: 300_000)
        let path = try write(fixture.image)
        let store = try ImageStore.open(root: "\(folder.path)/store", files: files, create: true)
        let source = try SourceImage(path, files: files, lock: try SourceLock(path))
        do {
            let dropped = try store.beginImport(fixture.name)
            _ = try dropped.fill(from: source, ImageHasher(fixture.image.geometry))
            #expect(throws: StoreError.self) { try store.beginImport(fixture.name) }
            #expect(throws: StoreError.self) { try fixture.begin(store) }
        }
        #expect(try files.names(in: store.layout.partials) == [])
        let target = try store.beginImport(fixture.name)
        let hashes = try target.fill(from: source, ImageHasher(fixture.image.geometry))
        #expect(hashes.pieceHashes == fixture.image.pieceHashes)
        let master = try store.register(target, fixture.metainfo, torrent: fixture.torrent, label: "new")
        #expect(master.state == .registered && master.label == "new")
        #expect(try files.contents(of: master.path, limit: 1 << 20) == fixture.image.bytes)
        #expect(try store.verify(fixture.name).isGood)
    }

    @Test func `the source that was checked is the one that is read, whatever lies at its path by then`() throws {
        let fixture = try StoreFixture(size: 300_000)
        let path = try write(fixture.image)
        let store = try ImageStore.open(root: "\(folder.path)/store", files: files, create: true)
        let lock = try SourceLock(path)
        let other = "\(folder.path)/other"
        try files.open(other, .createNew).truncate(to: 100_000)
        try files.rename(other, to: path)
        let source = try SourceImage(path, files: files, lock: lock)
        #expect(source.size == 300_000)
        let target = try store.beginImport(fixture.name)
        let hashes = try target.fill(from: source, ImageHasher(fixture.image.geometry))
        #expect(hashes.pieceHashes == fixture.image.pieceHashes)
        #expect(try files.contents(of: target.path, limit: 1 << 20) == fixture.image.bytes)
    }

    @Test(arguments: [false, true])
    func `a source that changes while it is read is refused`(_ reflink: Bool) throws {
        let fixture = try StoreFixture()
        let memory = CrashFiles()
        memory.setReflink(reflink)
        try memory.put(fixture.image.bytes, at: "/source.raw")
        let store = try fixture.open(memory)
        let source = try SourceImage("/source.raw", files: memory, lock: nil)
        var hasher = ImageHasher(fixture.image.geometry)
        #expect(
            try store.beginImport(fixture.name).fill(from: source, hasher).pieceHashes == fixture.image.pieceHashes)
        hasher.progress = { done in
            guard done == fixture.image.geometry.size, let file = try? memory.open("/source.raw", .update) else {
                return
            }
            [UInt8(1)].withUnsafeBytes { try? file.write($0, at: 5) }
        }
        let target = try store.beginImport(fixture.name)
        let error = #expect(throws: StoreError.self) { try target.fill(from: source, hasher) }
        #expect(error?.kind == .sourceChanged)
    }

    @Test func `a source that is missing, empty or a folder is refused`() throws {
        try files.replace("\(folder.path)/empty", with: [])
        for (name, kind) in [("missing", StoreError.Kind.notFound), ("empty", .invalid), (".", .invalid)] {
            let error = #expect(throws: StoreError.self) {
                try SourceImage("\(folder.path)/\(name)", files: files, lock: nil)
            }
            #expect(error?.kind == kind)
        }
    }
}
