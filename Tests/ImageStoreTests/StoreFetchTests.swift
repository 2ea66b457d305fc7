// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import TestSupport
import Testing

struct StoreFetchTests {
    let folder: TemporaryDirectory
    let files = PosixFiles()

    init() throws { folder = try TemporaryDirectory() }

    private func open() throws(StoreError) -> ImageStore {
        try ImageStore.open(root: "\(folder.path)/store", files: files, create: true)
    }

    @Test func `a fetched master is sparse, read-only and byte-identical`() throws {
        let fixture = try StoreFixture(size: 24 << 20, pieceLength: 1 << 20)
        let store = try open()
        try fixture.finish(store)
        let master = try store.master(of: "office")
        #expect(master.name == fixture.name && master.label == "spring" && master.state == .registered)
        #expect(master.size == 24 << 20 && master.pieceLength == 1 << 20)
        #expect(master.infoHashes == fixture.metainfo.infoHashes)
        #expect(master.allocated < 17 << 20, "eight of 24 pieces are zeros and take no space")
        #expect(try files.contents(of: master.path, limit: 25 << 20) == fixture.image.bytes)
        #expect(try files.status(master.path)?.mode == 0o444)
        #expect(try store.torrent(of: fixture.name) == fixture.torrent)
        #expect(try store.openMaster(fixture.name).size() == 24 << 20)
    }

    @Test func `pieces of zeros are verified from the start`() throws {
        let fixture = try StoreFixture()
        let partial = try fixture.begin(try open())
        #expect(partial.zeroPieces.count == 3)
        #expect(partial.verified == partial.zeroPieces)
        #expect(partial.verifiedBytes == 3 * 16384)
    }

    @Test func `a fetch goes on where it was after a restart, with what was asked for`() throws {
        let fixture = try StoreFixture()
        let pieces = [0, 1, 10].compactMap(fixture.image.geometry.piece)
        do {
            let partial = try fixture.begin(try open())
            for piece in pieces { try fixture.write(piece.number, to: partial) }
            try partial.recordVerified(pieces)
            try partial.recordVerified(pieces)
            // Written, but never recorded.
            try fixture.write(3, to: partial)
        }
        let store = try open()
        let summary = try #require(store.partials().first)
        #expect(summary.name == fixture.name && summary.request == fixture.request)
        #expect(summary.verifiedBytes == 5 * 16384 + 100)
        let partial = try store.resume(fixture.name)
        #expect(partial.verified.count == 6)
        try fixture.expectHonest(partial, "after a restart")
        #expect(try store.resume(fixture.name) === partial)
        try fixture.finish(store)
        #expect(try store.verify(fixture.name).isGood)
    }

    @Test func `the same fetch again adds its wishes, other content under the name is a conflict`() throws {
        let fixture = try StoreFixture()
        let other = try StoreFixture(seed: 8)
        let store = try open()
        let partial = try fixture.begin(store)
        let wish = FetchRequest(trackers: ["http://second/"], clones: FetchRequest.Clones(base: "lab"))
        let again = try store.beginFetch(
            fixture.metainfo, torrent: fixture.torrent, as: fixture.name, request: wish)
        #expect(again === partial)
        #expect(partial.request.trackers == ["http://second/", "http://tracker/"])
        #expect(partial.request.clones?.base == "lab" && partial.request.label == "spring")
        #expect(store.partials().first?.request == partial.request)
        #expect(#expect(throws: StoreError.self) { try other.begin(store) }?.kind == .conflict)
        #expect(#expect(throws: StoreError.self) { try store.beginImport(other.name) }?.kind == .conflict)
        try fixture.finish(store)
        #expect(#expect(throws: StoreError.self) { try other.begin(store) }?.kind == .conflict)
        #expect(#expect(throws: StoreError.self) { try fixture.begin(store) }?.kind == .alreadyRegistered)
        #expect(#expect(throws: StoreError.self) { try store.resume(fixture.name) }?.kind == .alreadyRegistered)
    }

    @Test func `a fetch that does not fit is refused before anything is written`() throws {
        let fixture = try StoreFixture()
        let memory = CrashFiles()
        let store = try fixture.open(memory)
        let needed = Int64(7 * 16384 + 100)
        memory.setSpace(FileSystemSpace(available: 30_000 + needed - 1, total: 1_000_000))
        let error = #expect(throws: StoreError.self) { try fixture.begin(store) }
        #expect(error?.kind == .noSpace(needed: needed, available: 30_000 + needed - 1))
        #expect(try memory.names(in: "\(StoreFixture.root)/partial") == [])
        memory.setSpace(FileSystemSpace(available: (2 << 30) + needed - 1, total: 1 << 40))
        #expect(throws: StoreError.self, "the headroom is at most 2 GiB") { try fixture.begin(store) }
        memory.setSpace(FileSystemSpace(available: (2 << 30) + needed, total: 1 << 40))
        try fixture.finish(store)
    }

    @Test func `a journal of another image, or without its image, is not believed`() throws {
        let fixture = try StoreFixture()
        let all = Array(fixture.image.geometry.pieces)
        for damage in ["another image's journal", "no image", "a shorter image", "no journal", "a torn journal"] {
            let memory = CrashFiles()
            var store = try fixture.open(memory)
            let partial = try fixture.begin(store)
            for piece in all { try fixture.write(piece.number, to: partial) }
            try partial.recordVerified(Array(all.prefix(5)))
            try partial.recordVerified(all)
            let image = store.layout.partialImage(fixture.name)
            let journal = store.layout.journal(fixture.name)
            let content = try #require(memory.bytes(at: image))
            var expected = 3
            switch damage {
            case "no image": try memory.remove(image)
            case "a shorter image": try memory.put(Array(content.dropLast()), at: image)
            case "no journal": try memory.remove(journal)
            case "a torn journal":
                var bytes = try #require(memory.bytes(at: journal))
                // The header is followed by one record for pieces 0 to 1 and 3 to 4 each, then the rest.
                bytes[64 + 2 * 16 + 9] ^= 1
                try memory.put(bytes, at: journal)
                expected = 9
            default:
                let other = try StoreFixture(seed: 99)
                let elsewhere = CrashFiles()
                let otherStore = try other.open(elsewhere)
                try other.begin(otherStore).recordVerified([])
                try memory.put(try #require(elsewhere.bytes(at: journal)), at: journal)
            }
            store = try fixture.open(memory)
            let found = try store.resume(fixture.name)
            #expect(found.verified.count == expected, "\(damage)")
            try fixture.expectHonest(found, "\(damage)")
            try fixture.finish(store)
            try fixture.expectFinished(memory, "\(damage)")
        }
    }

    @Test func `what is recorded is not overwritten, and writes outside the image are refused`() throws {
        let fixture = try StoreFixture()
        let partial = try fixture.begin(try open())
        try fixture.write(0, to: partial)
        try partial.recordVerified([try #require(fixture.image.geometry.piece(0))])
        // One write over the recorded piece 0, piece 1, the zero piece 2 and piece 3.
        let noise = [UInt8](repeating: 0xaa, count: 4 * 16384)
        try noise.withUnsafeBytes { try partial.write($0, at: 0) }
        var bytes = [UInt8](repeating: 0, count: noise.count)
        _ = try bytes.withUnsafeMutableBytes { try partial.read(into: $0, at: 0) }
        #expect(Array(bytes[..<16384]) == Array(fixture.image.bytes[..<16384]))
        #expect(bytes[16384..<32768].allSatisfy { $0 == 0xaa })
        #expect(bytes[32768..<49152].allSatisfy { $0 == 0 })
        #expect(bytes[49152...].allSatisfy { $0 == 0xaa })
        for offset in [-1, fixture.image.geometry.size - 10, .max] {
            #expect(throws: StoreError.self) { try noise.withUnsafeBytes { try partial.write($0, at: offset) } }
        }
    }

    @Test func `an incomplete fetch is not registered, and goes when it is given up`() throws {
        let fixture = try StoreFixture()
        let store = try open()
        let partial = try fixture.begin(store)
        #expect(#expect(throws: StoreError.self) { try store.register(partial) }?.kind == .conflict)
        try fixture.write(0, to: partial)
        try store.abandon(fixture.name)
        #expect(store.partials().isEmpty)
        #expect(try files.names(in: store.layout.partials) == [])
        #expect(#expect(throws: StoreError.self) { try store.resume(fixture.name) }?.kind == .notFound)
        #expect(#expect(throws: StoreError.self) { try store.abandon(fixture.name) }?.kind == .notFound)
    }

    @Test func `the newest is the highest version, and a master in use is not removed`() throws {
        let store = try open()
        for version in [2, 10, 9] {
            try StoreFixture("lab@\(version)", size: 20000, seed: UInt64(version)).finish(store)
        }
        let newest = try store.master(of: "lab").name
        #expect(newest.version == 10)
        #expect(#expect(throws: StoreError.self) { try store.master(of: "la") }?.kind == .notFound)
        #expect(
            #expect(throws: StoreError.self) { try store.remove(newest, isInUse: { $0 == newest }) }?.kind == .conflict)
        try store.remove(newest, isInUse: { _ in false })
        #expect(try store.master(of: "lab").name.version == 9)
        #expect(#expect(throws: StoreError.self) { try store.master(named: newest) }?.kind == .notFound)
        #expect(try files.names(in: store.layout.masters).count == 6)
    }

    @Test func `a master that was touched is not served until it is verified again, a flipped bit is found`() throws {
        let fixture = try StoreFixture()
        var store = try open()
        try fixture.finish(store)
        let path = try store.master(named: fixture.name).path
        let piece = try #require(fixture.image.geometry.piece(4))
        let offset = fixture.image.geometry.offset(of: piece) + 17
        let good = fixture.image.bytes[Int(offset)]
        func put(_ byte: UInt8) throws {
            let file = try files.open(path, .update)
            try [byte].withUnsafeBytes { try file.write($0, at: offset) }
        }
        try put(good)
        #expect(try store.master(named: fixture.name).state == .altered)
        #expect(#expect(throws: StoreError.self) { try store.openMaster(fixture.name) }?.kind == .verification)
        let done = Box<Int64>(0)
        #expect(try store.verify(fixture.name, progress: { done.value = $0 }).isGood)
        #expect(done.value == fixture.image.geometry.size)
        #expect(try store.master(named: fixture.name).state == .registered)

        try put(good ^ 4)
        let report = try store.verify(fixture.name)
        #expect(report.badPieces == [piece] && report.hasRightSize && !report.isGood)
        #expect(try store.master(named: fixture.name).state == .failed)
        #expect(throws: StoreError.self) { try store.openMaster(fixture.name) }
        #expect(#expect(throws: StoreError.self) { try fixture.begin(store) }?.kind == .conflict)

        store = try reopened(&store)
        #expect(try store.master(named: fixture.name).state == .failed, "a restart does not heal it")
        try put(good)
        #expect(try store.verify(fixture.name).isGood)
        _ = try store.openMaster(fixture.name)

        try files.open(path, .update).truncate(to: fixture.image.geometry.size + 1)
        #expect(try store.verify(fixture.name).hasRightSize == false)
        #expect(try store.master(named: fixture.name).state == .failed)
    }

    @Test func `a record that cannot be read makes the master wait for a verification`() throws {
        let fixture = try StoreFixture()
        let memory = CrashFiles()
        try fixture.finish(try fixture.open(memory))
        try memory.put(Array("{}".utf8), at: "\(StoreFixture.root)/masters/\(fixture.name).json")
        var store = try fixture.open(memory)
        #expect(store.masters().map(\.state) == [.altered])
        #expect(store.notes.count == 1)
        #expect(try store.verify(fixture.name).isGood)
        store = try fixture.open(memory)
        #expect(store.masters().map(\.state) == [.registered])
    }

    /// Opens the store anew; the old one must be gone before, since it holds the lock.
    private func reopened(_ store: inout ImageStore) throws -> ImageStore {
        store = try ImageStore.open(root: "\(folder.path)/another", files: files, create: true)
        return try open()
    }
}
