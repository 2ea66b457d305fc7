// SPDX-License-Identifier: Apache-2.0

import FileLayer
import TestSupport
import Testing

/// The disk that the store's tests stand on is itself as treacherous as it says.
struct CrashFilesTests {
    private func write(_ bytes: [UInt8], _ file: any OpenFile, at offset: Int64 = 0) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    }

    @Test func `a power cut takes what was not synced, names and contents apart`() throws {
        let files = CrashFiles()
        let synced = try files.open("/synced", .createNew)
        try write([1, 2], synced)
        try synced.sync()
        try write([3], synced)
        let nameless = try files.open("/nameless", .createNew)
        #expect(files.afterCrash(changes: files.changeCount, .onlySynced).bytes(at: "/synced") == nil)
        try files.syncDirectory("/")
        try write([4], nameless)
        let left = files.afterCrash(changes: files.changeCount, .onlySynced)
        #expect(left.bytes(at: "/synced") == [1, 2])
        #expect(left.bytes(at: "/nameless") == [])
        let alive = files.afterCrash(changes: files.changeCount, .everything)
        #expect(alive.bytes(at: "/synced") == [3, 2] && alive.bytes(at: "/nameless") == [4])
        // What a killed process left in the cache is not on disk yet.
        #expect(alive.afterCrash(changes: alive.changeCount, .onlySynced).bytes(at: "/synced") == [1, 2])
    }

    @Test func `a rename between folders is two changes to a power cut`() throws {
        let files = CrashFiles()
        for folder in ["/a", "/b"] { try files.makeDirectory(folder) }
        _ = try files.open("/a/x", .createNew)
        for folder in ["/", "/a"] { try files.syncDirectory(folder) }
        try files.rename("/a/x", to: "/b/x")
        try files.syncDirectory("/a")
        let neither = files.afterCrash(changes: files.changeCount, .onlySynced)
        #expect(try neither.status("/a/x") == nil)
        #expect(try neither.status("/b/x") == nil)
        try files.syncDirectory("/b")
        #expect(try files.afterCrash(changes: files.changeCount, .onlySynced).status("/b/x") != nil)
    }

    @Test func `after a failed sync the data is lost though the next sync succeeds`() throws {
        let files = CrashFiles()
        let file = try files.open("/x", .createNew)
        try files.syncDirectory("/")
        try write([1], file)
        var faults = CrashFiles.Faults()
        faults.failingSync = 0
        files.setFaults(faults)
        #expect(#expect(throws: FileError.self) { try file.syncData() }?.cause == .io)
        try file.syncData()
        #expect(files.bytes(at: "/x") == [1])
        #expect(files.afterCrash(changes: files.changeCount, .onlySynced).bytes(at: "/x") == [])
        try write([1], file)
        try file.syncData()
        #expect(files.afterCrash(changes: files.changeCount, .onlySynced).bytes(at: "/x") == [1])
    }

    @Test func `the last write may be torn, and a full disk takes half of one`() throws {
        let files = CrashFiles()
        let file = try files.open("/x", .createNew)
        try write([1, 1, 1, 1], file)
        try write([2, 2, 2, 2], file)
        #expect(files.afterCrash(changes: files.changeCount, .tornLastWrite).bytes(at: "/x") == [2, 2, 1, 1])
        var faults = CrashFiles.Faults()
        faults.fullFromWrite = files.writeCount
        files.setFaults(faults)
        #expect(#expect(throws: FileError.self) { try write([3, 3, 3, 3], file) }?.cause == .noSpace)
        #expect(files.bytes(at: "/x") == [3, 3, 2, 2])
        #expect(throws: FileError.self) { try files.open("/y", .createNew) }
        #expect(try files.names(in: "/") == ["x"])
    }

    @Test func `the same seed leaves the same`() throws {
        let files = CrashFiles()
        let file = try files.open("/x", .createNew)
        try files.syncDirectory("/")
        for offset in 0..<40 { try write([UInt8(offset)], file, at: Int64(offset)) }
        let left = (0..<4).map { files.afterCrash(changes: 40, .some(seed: $0)).bytes(at: "/x") }
        #expect(Set(left).count > 1)
        #expect(left == (0..<4).map { files.afterCrash(changes: 40, .some(seed: $0)).bytes(at: "/x") })
    }
}
