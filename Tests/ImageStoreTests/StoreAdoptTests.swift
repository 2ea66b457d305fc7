// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Glibc
import ImageStore
import Metainfo
import TestSupport
import Testing

/// Masters that stay where they are.
struct StoreAdoptTests {
    let folder: TemporaryDirectory
    let files = PosixFiles()
    let fixture: StoreFixture

    private var share: String { "\(folder.path)/share" }
    private var image: String { "\(share)/office.raw" }

    init() throws {
        folder = try TemporaryDirectory()
        fixture = try StoreFixture()
        try files.makeDirectory(share)
        try files.replace(image, with: fixture.image.bytes)
        try files.setMode(image, 0o444)
    }

    private func open(_ name: String = "store") throws(StoreError) -> ImageStore {
        try ImageStore.open(root: "\(folder.path)/\(name)", files: files, create: true)
    }

    @discardableResult
    private func adopt(
        _ path: String? = nil, in store: ImageStore, as name: MasterName? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(StoreError) -> Master {
        try store.adopt(
            path ?? image, fixture.metainfo, torrent: fixture.torrent, as: name ?? fixture.name, label: "filer",
            isCancelled: isCancelled)
    }

    @Test func `an image is adopted where it lies, and nothing is written there`() throws {
        let before = try files.status(image)
        do {
            let master = try adopt(in: open())
            #expect(master.state == .registered && master.problem == nil)
            #expect(master.path == image && master.location == .adopted && master.label == "filer")
        }
        let store = try open()
        let master = try store.master(named: fixture.name)
        #expect(master.state == .registered && master.location == .adopted && master.path == image)
        #expect(try store.torrent(of: fixture.name) == fixture.torrent)
        #expect(try store.openMaster(fixture.name).size() == fixture.image.geometry.size)
        #expect(try store.verify(fixture.name).isGood)
        #expect(try store.master(named: fixture.name) == master, "a verification changes nothing")
        #expect(try files.names(in: store.layout.masters) == ["office@3.json", "office@3.torrent"])

        try store.remove(fixture.name) { _ in false }
        #expect(store.masters().isEmpty)
        #expect(try files.names(in: store.layout.masters) == [])
        #expect(try files.status(image) == before)
        #expect(try files.names(in: share) == ["office.raw"])
    }

    @Test func `what cannot be adopted is refused with a sentence, and nothing is left`() throws {
        let store = try open()
        func refused(_ kind: StoreError.Kind, _ words: String, _ path: String) {
            let error = #expect(throws: StoreError.self) { try adopt(path, in: store) }
            #expect(error?.kind == kind, "\(path)")
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
        var wrong = fixture.image.bytes
        wrong[4 * 16384 + 5] ^= 1
        wrong[7 * 16384] ^= 1
        try files.replace("\(share)/wrong", with: wrong)
        refused(.verification, "2 of 11 pieces are wrong, the first is piece 4", "\(share)/wrong")
        try files.replace("\(share)/short", with: Array(fixture.image.bytes.dropLast()))
        refused(.verification, "163939 bytes and the torrent's image 163940", "\(share)/short")
        refused(.notFound, "is not there", "\(share)/missing")
        refused(.invalid, "not a regular file", share)
        #expect(mkfifo("\(share)/pipe", 0o644) == 0)
        refused(.invalid, "not a regular file", "\(share)/pipe")
        try files.replace("\(store.layout.root)/inside.raw", with: fixture.image.bytes)
        refused(.conflict, "lies in the store", "\(store.layout.root)/inside.raw")
        let reads = Box(0)
        let stopped = #expect(throws: StoreError.self) {
            try adopt(in: store) {
                reads.value += 1
                return reads.value > 3
            }
        }
        #expect(stopped?.kind == .cancelled)
        #expect(try files.names(in: store.layout.masters) == [])

        _ = try fixture.begin(store)
        #expect(#expect(throws: StoreError.self) { try adopt(in: store) }?.kind == .conflict, "it is being fetched")
        try store.abandon(fixture.name)
        try adopt(in: store)
        #expect(#expect(throws: StoreError.self) { try adopt(in: store) }?.kind == .alreadyRegistered)
        #expect(#expect(throws: StoreError.self) { try fixture.begin(store) }?.kind == .alreadyRegistered)
    }

    @Test func `a share that is gone is said, and only its masters suffer`() throws {
        let other = try StoreFixture("lab@1", seed: 8)
        do {
            let store = try open()
            try adopt(in: store)
            try other.finish(store)
        }
        let away = "\(folder.path)/away"
        #expect(rename(share, away) == 0)
        let store = try open()
        let master = try store.master(named: fixture.name)
        #expect(master.state == .unreachable)
        #expect(master.problem == "\(image) is not there; is the share mounted?")
        #expect(master.size == fixture.image.geometry.size && master.allocated == 0)
        #expect(#expect(throws: StoreError.self) { try store.openMaster(fixture.name) }?.kind == .notFound)
        #expect(#expect(throws: StoreError.self) { try store.verify(fixture.name) }?.kind == .notFound)
        #expect(try store.verify(other.name).isGood)
        #expect(store.masters().map(\.state) == [.registered, .unreachable])
        #expect(rename(away, share) == 0)
        #expect(store.masters().map(\.state) == [.registered, .registered])
        _ = try store.openMaster(fixture.name)
    }

    @Test func `a change is noticed, also where size and time are as before`() throws {
        let store = try open()
        try adopt(in: store)
        let piece = try #require(fixture.image.geometry.piece(4))
        /// Lets the file system's clock go on, which moves every few milliseconds only.
        func tick() throws {
            let before = try #require(try files.status(image)).changed
            var now = before
            for _ in 1...100_000 where now == before {
                try files.replace("\(folder.path)/clock", with: [])
                now = try #require(try files.status("\(folder.path)/clock")).changed
            }
            #expect(now != before)
        }
        func put(_ byte: UInt8) throws {
            try tick()
            var status = stat()
            #expect(stat(image, &status) == 0)
            let file = try files.open(image, .update)
            try [byte].withUnsafeBytes { try file.write($0, at: 4 * 16384) }
            // The time that content changed can be set; the time of that change cannot.
            #expect(utimensat(AT_FDCWD, image, [status.st_atim, status.st_mtim], 0) == 0)
        }
        let good = fixture.image.bytes[4 * 16384]
        try put(good ^ 1)
        let master = try store.master(named: fixture.name)
        #expect(master.state == .altered)
        #expect(master.problem?.contains("drover master verify office@3") == true)
        #expect(#expect(throws: StoreError.self) { try store.openMaster(fixture.name) }?.kind == .verification)
        #expect(try store.verify(fixture.name).badPieces == [piece])
        #expect(try store.master(named: fixture.name).state == .failed)
        try put(good)
        #expect(try store.master(named: fixture.name).state == .failed)
        #expect(try store.verify(fixture.name).isGood)
        #expect(try store.master(named: fixture.name).state == .registered)

        // Another file in its place, with its size and its time.
        try tick()
        let twin = "\(share)/twin"
        try files.replace(twin, with: fixture.image.bytes)
        var status = stat()
        #expect(stat(image, &status) == 0)
        #expect(utimensat(AT_FDCWD, twin, [status.st_atim, status.st_mtim], 0) == 0)
        #expect(rename(twin, image) == 0)
        #expect(try store.master(named: fixture.name).state == .altered)
    }

    @Test func `a share that does not answer holds nobody up for longer than it may`() throws {
        let stuck = StuckFiles(files, folder: share)
        let store = try ImageStore.open(
            root: "\(folder.path)/store", files: stuck, create: true, patience: .milliseconds(50))
        let copy = try #require(MasterName("copy@1"))
        let second = "\(share)/second.raw"
        try files.replace(second, with: fixture.image.bytes)
        try adopt(in: store)
        try adopt(second, in: store, as: copy)
        stuck.stick()
        for _ in 1...20 { #expect(store.masters().map(\.state) == [.unreachable, .unreachable]) }
        #expect(try store.master(named: copy).problem?.contains("no answer within") == true)
        #expect(stuck.questions == 1, "a silent folder is asked one question")
        #expect(#expect(throws: StoreError.self) { try store.openMaster(copy) }?.kind == .notFound)
        stuck.goOn()
        var states: [Master.State] = []
        for _ in 1...1000 where states != [.registered, .registered] {
            states = store.masters().map(\.state)
            usleep(10_000)
        }
        #expect(states == [.registered, .registered])
    }

    @Test(arguments: StoreCrashTests.survivals)
    func `a crash at any point of adopting and removing leaves all of it or nothing, and the image`(
        _ survival: CrashFiles.Survival
    ) throws {
        let memory = CrashFiles()
        let path = "/share/office.raw"
        try memory.makeDirectory("/share")
        try memory.put(fixture.image.bytes, at: path)
        _ = try memory.open(path, .update).sync()
        for directory in ["/share", "/"] { try memory.syncDirectory(directory) }
        let store = try fixture.open(memory)
        let begun = memory.changeCount
        try adopt(path, in: store)
        let adopted = memory.changeCount
        try store.remove(fixture.name) { _ in false }
        for count in begun...memory.changeCount {
            let comment: Comment = "crash after change \(count) of \(memory.changeCount), \(survival)"
            let left = memory.afterCrash(changes: count, survival)
            let store = try fixture.open(left)
            let masters = store.masters()
            if count == adopted { #expect(masters.count == 1, comment) }
            if count == memory.changeCount { #expect(masters.isEmpty, comment) }
            let expected = masters.isEmpty ? [] : ["office@3.json", "office@3.torrent"]
            #expect(try left.names(in: store.layout.masters) == expected, comment)
            for master in masters {
                #expect(master.state == .registered && master.path == path, comment)
                #expect(try store.torrent(of: master.name) == fixture.torrent, comment)
            }
            #expect(left.bytes(at: path) == fixture.image.bytes, comment)
            if masters.isEmpty { try adopt(path, in: store) }
            #expect(try store.verify(fixture.name).isGood, comment)
        }
    }
}
