// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Glibc
import ImageStore
import Metainfo
import TestSupport
import Testing

/// Stores on the machine's own file system.
struct StoreOpeningTests {
    let folder: TemporaryDirectory
    let files = PosixFiles()

    init() throws { folder = try TemporaryDirectory() }

    private func open(_ root: String, create: Bool = true) throws(StoreError) -> ImageStore {
        try ImageStore.open(root: root, files: files, create: create)
    }

    @Test func `a store is made with its parents, and only where that was asked for`() throws {
        let root = "\(folder.path)/a/b"
        let error = #expect(throws: StoreError.self) { try open(root, create: false) }
        #expect(error?.kind == .notFound)
        #expect(try files.status("\(folder.path)/a") == nil)
        _ = try open(root)
        #expect(try files.names(in: root) == ["clones", "lock", "masters", "partial"])
        _ = try open(root + "/", create: false)
    }

    @Test func `a second opening is refused with the process that has the store, until that lets go`() throws {
        var store: ImageStore? = try open("\(folder.path)/store")
        let error = #expect(throws: StoreError.self) { try open("\(folder.path)/store") }
        #expect(error?.kind == .inUse(by: getpid()))
        #expect(error?.description.contains("process \(getpid())") == true)
        #expect(store?.masters().isEmpty == true)
        store = nil
        _ = try open("\(folder.path)/store")
    }

    @Test func `a root that is a file is refused`() throws {
        let path = "\(folder.path)/file"
        try files.replace(path, with: [1])
        #expect(throws: StoreError.self) { try open(path) }
        #expect(throws: StoreError.self) { try open("\(path)/store") }
    }

    @Test func `a root that cannot be made is refused with a sentence`() throws {
        // Nobody makes a directory in /sys, not even root; in a container it is also read-only.
        let error = try #require(#expect(throws: StoreError.self) { try open("/sys/drover") })
        #expect(error.kind == .denied || error.kind == .readOnly)
        #expect(error.description.contains("no permission") || error.description.contains("--store"))
    }

    @Test func `a root too long for a socket name holds masters`() throws {
        let fixture = try StoreFixture()
        let root = folder.path + String(repeating: "/a-rather-long-folder-name", count: 12)
        let store = try open(root)
        try fixture.finish(store)
        #expect(store.masters().map(\.name) == [fixture.name])
        #expect(store.layout.controlSocket.utf8.count > 108)
    }

    @Test func `paths are resolved to what overlays may carry`() throws {
        #expect(symlink("/usr", "\(folder.path)/link") == 0)
        #expect(StoreLayout.resolve("\(folder.path)/link/.") == "/usr")
        #expect(StoreLayout.resolve("\(folder.path)/link/not/there") == "/usr/not/there")
        #expect(StoreLayout.resolve("/") == "/")
        #expect(StoreLayout.resolve("not-there/x") == StoreLayout.resolve(".") + "/not-there/x")
        #expect(StoreLayout.resolve("not-there") == StoreLayout.resolve(".") + "/not-there")
    }

    @Test func `leftovers are swept, and files of others are left alone`() throws {
        let root = "\(folder.path)/store"
        _ = try open(root)
        for path in ["masters/a@1.json.new", "masters/a@1.torrent", "partial/a@1.import", "partial/b@2.raw"] {
            try files.replace("\(root)/\(path)", with: [1])
        }
        for path in ["masters/notes.txt", "masters/c@1.raw"] { try files.replace("\(root)/\(path)", with: [1]) }
        let store = try open(root)
        #expect(try files.names(in: "\(root)/masters") == ["c@1.raw", "notes.txt"])
        #expect(try files.names(in: "\(root)/partial") == [])
        #expect(store.masters().isEmpty && store.partials().isEmpty)
        #expect(store.notes.count == 1)
        // What lies in the way without a record is not replaced.
        let fixture = try StoreFixture("c@1")
        let error = #expect(throws: StoreError.self) { try fixture.begin(store) }
        #expect(error?.kind == .conflict)
    }
}
