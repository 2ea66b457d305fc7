// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Glibc
import TestSupport
import Testing

struct PosixFilesTests {
    let folder: TemporaryDirectory
    let files = PosixFiles()

    init() throws { folder = try TemporaryDirectory() }

    private func path(_ name: String) -> String { "\(folder.path)/\(name)" }

    @Test func `a replaced file has the new content and leaves nothing beside it`() throws {
        try files.replace(path("a"), with: [1, 2, 3])
        try files.replace(path("a"), with: [4])
        #expect(try files.contents(of: path("a"), limit: 10) == [4])
        #expect(try files.names(in: folder.path) == ["a"])
        #expect(#expect(throws: FileError.self) { try files.contents(of: path("a"), limit: 0) }?.cause == .tooLarge)
        #expect(#expect(throws: FileError.self) { try files.contents(of: path("b"), limit: 0) }?.cause == .notFound)
        try files.replace(path("empty"), with: [])
        #expect(try files.contents(of: path("empty"), limit: 0) == [])
    }

    @Test func `data and holes are told apart`() throws {
        let file = try files.open(path("sparse"), .createNew)
        try file.truncate(to: 1 << 20)
        #expect(try file.nextData(from: 0) == nil)
        try [UInt8](repeating: 7, count: 65536).withUnsafeBytes { try file.write($0, at: 256 * 1024) }
        #expect(try file.nextData(from: 0) == 262144..<327680)
        #expect(try file.nextData(from: 300_000) == 300_000..<327680)
        #expect(try file.nextData(from: 327680) == nil)
        #expect(try file.nextData(from: 1 << 20) == nil)
        let status = try #require(try files.status(path("sparse")))
        #expect(status.size == 1 << 20 && status.allocated < 1 << 19 && !status.isDirectory)
    }

    @Test func `reading ends with the file`() throws {
        try files.replace(path("a"), with: [1, 2, 3])
        let file = try files.open(path("a"), .read)
        var bytes = [UInt8](repeating: 0, count: 5)
        #expect(try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 1) } == 2)
        #expect(bytes == [2, 3, 0, 0, 0])
    }

    @Test func `a file is not opened through a symbolic link, nor made twice`() throws {
        try files.replace(path("a"), with: [1])
        #expect(symlink(path("a"), path("link")) == 0)
        #expect(throws: FileError.self) { try files.open(path("link"), .createOrUpdate) }
        #expect(#expect(throws: FileError.self) { try files.open(path("a"), .createNew) }?.cause == .exists)
        #expect(#expect(throws: FileError.self) { try files.open(path("none"), .update) }?.cause == .notFound)
        #expect(#expect(throws: FileError.self) { try files.makeDirectory(path("a")) }?.cause == .exists)
    }

    @Test func `removing what is not there is no error, and modes and renames hold`() throws {
        try files.remove(path("none"))
        try files.replace(path("a"), with: [1])
        try files.setMode(path("a"), 0o444)
        try files.rename(path("a"), to: path("b"))
        #expect(try files.status(path("a")) == nil)
        #expect(try files.status(path("b"))?.mode == 0o444)
        #expect(try files.space(at: folder.path).total > 0)
    }

    @Test func `a full device is told as such`() throws {
        // /dev/full answers every write with "no space left on device".
        let full = try files.open("/dev/full", .update)
        let error = #expect(throws: FileError.self) { try [UInt8(1)].withUnsafeBytes { try full.write($0, at: 0) } }
        #expect(error?.cause == .noSpace)
    }

    @Test func `extents are shared, or nothing is left behind`() throws {
        try files.replace(path("a"), with: [1, 2, 3])
        do throws(FileError) {
            try files.reflink(path("a"), to: path("b"))
            #expect(try files.contents(of: path("b"), limit: 10) == [1, 2, 3])
        } catch {
            #expect(error.cause == .unsupported)
            #expect(try files.status(path("b")) == nil)
        }
    }

    @Test func `the lock is held by one, named to the other, and free afterwards`() throws {
        let locks = PosixStoreLocks()
        var first: StoreLockOutcome? = try locks.acquire(path("lock"))
        guard case .held = first else {
            Issue.record("the lock of a new folder is taken")
            return
        }
        guard case .taken(by: getpid()) = try locks.acquire(path("lock")) else {
            Issue.record("the lock was given twice")
            return
        }
        first = nil
        guard case .held = try locks.acquire(path("lock")) else {
            Issue.record("the lock was not released")
            return
        }
    }
}
