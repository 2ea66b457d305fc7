// SPDX-License-Identifier: Apache-2.0

import FileLayer
import ImageStore
import Metainfo
import TestSupport
import Testing

/// Every prefix of what the store does to a disk, with every variant of what a crash may leave of it.
struct StoreCrashTests {
    static let survivals: [CrashFiles.Survival] =
        [.everything, .onlySynced, .tornLastWrite] + (1...5).map { .some(seed: $0) }

    @Test(arguments: survivals)
    func `a crash at any point of a fetch leaves no lie, loses nothing recorded, and the fetch can be finished`(
        _ survival: CrashFiles.Survival
    ) throws {
        let fixture = try StoreFixture()
        let files = CrashFiles()
        let store = try fixture.open(files)
        _ = try fixture.begin(store)
        let begun = files.changeCount
        var promises: [(changes: Int, pieces: [PieceIndex])] = []
        // The request is finished apart, to know where it begins to go.
        let partial = try store.resume(fixture.name)
        for batch in [[9, 0, 1], [3, 10], [4, 6, 7]] {
            for number in batch { try fixture.write(number, to: partial) }
            let pieces = batch.compactMap(fixture.image.geometry.piece)
            try partial.recordVerified(pieces)
            promises.append((files.changeCount, pieces))
        }
        try store.register(partial)
        let registered = files.changeCount
        try store.finishRequest(of: fixture.name)
        try fixture.expectFinished(files, "without a crash")

        for count in 0...files.changeCount {
            let comment: Comment = "crash after change \(count) of \(files.changeCount), \(survival)"
            let left = files.afterCrash(changes: count, survival)
            let store = try fixture.open(left)
            let kept = Set(
                promises.filter { $0.changes <= count }.flatMap(\.pieces).filter {
                    store.masters().isEmpty ? (try? store.resume(fixture.name).isVerified($0)) == true : true
                })
            #expect(kept.count == promises.filter { $0.changes <= count }.flatMap(\.pieces).count, comment)
            if count >= begun, count <= registered {
                let requests = store.partials().map(\.request) + store.unfinishedRequests().map(\.request)
                #expect(requests == [fixture.request], comment)
            }
            if count >= registered { #expect(store.masters().count == 1, comment) }
            #expect(left.bytesRead(suffix: ".raw") == 0, "opening reads no image: \(comment)")
            try fixture.expectHonest(store, left, comment)
            try fixture.finish(store)
            try fixture.expectFinished(left, comment)
        }
    }

    @Test(arguments: [CrashFiles.Survival.everything, .onlySynced, .some(seed: 11)])
    func `a crash while a crash is being repaired is no worse`(_ first: CrashFiles.Survival) throws {
        let fixture = try StoreFixture(size: 3 * 16384)
        let files = CrashFiles()
        try fixture.finish(try fixture.open(files))
        for count in 0...files.changeCount {
            let once = files.afterCrash(changes: count, first)
            let start = once.changeCount
            try fixture.finish(try fixture.open(once))
            for later in stride(from: start + count % 2, through: once.changeCount, by: 2) {
                for second in [CrashFiles.Survival.onlySynced, .some(seed: UInt64(later))] {
                    let comment: Comment = "crashes after \(count) (\(first)) and \(later) (\(second))"
                    let twice = once.afterCrash(changes: later, second)
                    let store = try fixture.open(twice)
                    try fixture.expectHonest(store, twice, comment)
                    try fixture.finish(store)
                    try fixture.expectFinished(twice, comment)
                }
            }
        }
    }

    @Test(arguments: survivals)
    func `a crash at any point of an import leaves the whole master or nothing`(_ survival: CrashFiles.Survival) throws
    {
        let fixture = try StoreFixture()
        let files = CrashFiles()
        let store = try fixture.open(files)
        try files.put(fixture.image.bytes, at: "/srv/source.raw")
        let before = files.changeCount
        do {
            let target = try store.beginImport(fixture.name)
            let source = try SourceImage("/srv/source.raw", files: files, lock: nil)
            _ = try target.fill(from: source, ImageHasher(fixture.image.geometry))
            try store.register(target, fixture.metainfo, torrent: fixture.torrent, label: nil)
        }
        let after = files.changeCount
        for count in before...after {
            let comment: Comment = "crash after change \(count) of \(after), \(survival)"
            let left = files.afterCrash(changes: count, survival)
            let store = try fixture.open(left)
            try fixture.expectHonest(store, left, comment)
            #expect(count < after || store.masters().count == 1, comment)
            #expect(try left.names(in: "\(StoreFixture.root)/partial") == [], comment)
            #expect(
                try left.names(in: "\(StoreFixture.root)/masters").count == 3 * store.masters().count, comment)
        }
    }

    @Test(arguments: survivals)
    func `a crash at any point of a removal leaves the whole master or nothing`(_ survival: CrashFiles.Survival) throws
    {
        let fixture = try StoreFixture()
        let files = CrashFiles()
        let store = try fixture.open(files)
        let partial = try fixture.begin(store)
        for piece in fixture.image.geometry.pieces { try fixture.write(piece.number, to: partial) }
        try partial.recordVerified(Array(fixture.image.geometry.pieces))
        // Its clones are still to be made, which must not make it look like a fetch afterwards.
        try store.register(partial)
        let before = files.changeCount
        try store.remove(fixture.name, isInUse: { _ in false })
        for count in before...files.changeCount {
            let comment: Comment = "crash after change \(count) of \(files.changeCount), \(survival)"
            let left = files.afterCrash(changes: count, survival)
            let store = try fixture.open(left)
            try fixture.expectHonest(store, left, comment)
            #expect(store.partials().isEmpty, comment)
            #expect(count < files.changeCount || store.masters().isEmpty, comment)
            #expect(
                try left.names(in: "\(StoreFixture.root)/masters").count == 3 * store.masters().count, comment)
        }
    }

    @Test(arguments: survivals)
    func `a crash at any point of giving a fetch up leaves a fetch that goes on or nothing`(
        _ survival: CrashFiles.Survival
    ) throws {
        let fixture = try StoreFixture()
        let files = CrashFiles()
        let store = try fixture.open(files)
        let partial = try fixture.begin(store)
        try fixture.write(0, to: partial)
        try partial.recordVerified([try #require(fixture.image.geometry.piece(0))])
        let before = files.changeCount
        try store.abandon(fixture.name)
        #expect(throws: StoreError.self) { try fixture.write(1, to: partial) }
        for count in before...files.changeCount {
            let comment: Comment = "crash after change \(count) of \(files.changeCount), \(survival)"
            let left = files.afterCrash(changes: count, survival)
            let store = try fixture.open(left)
            try fixture.expectHonest(store, left, comment)
            #expect(count < files.changeCount || store.partials().isEmpty, comment)
            if store.partials().isEmpty { #expect(try left.names(in: "\(StoreFixture.root)/partial") == [], comment) }
            try fixture.finish(store)
            try fixture.expectFinished(left, comment)
        }
    }

    @Test(arguments: survivals)
    func `a crash while a fetch starts over never leaves the old journal beside the new image`(
        _ survival: CrashFiles.Survival
    ) throws {
        let fixture = try StoreFixture()
        let files = CrashFiles()
        var store = try fixture.open(files)
        let partial = try fixture.begin(store)
        for piece in fixture.image.geometry.pieces { try fixture.write(piece.number, to: partial) }
        try partial.recordVerified(Array(fixture.image.geometry.pieces))
        try files.remove(store.layout.partialImage(fixture.name))
        try files.syncDirectory(store.layout.partials)
        let before = files.changeCount
        store = try fixture.open(files)
        #expect(try store.resume(fixture.name).verified.count == 3)
        for count in before...files.changeCount {
            let comment: Comment = "crash after change \(count) of \(files.changeCount), \(survival)"
            let left = files.afterCrash(changes: count, survival)
            let store = try fixture.open(left)
            try fixture.expectHonest(store, left, comment)
            try fixture.finish(store)
            try fixture.expectFinished(left, comment)
        }
    }
}
