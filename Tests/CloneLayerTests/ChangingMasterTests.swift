// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import DeviceLayer
import FileLayer
import Metainfo
import Synchronization
import Testing
import ToolLayer

/// A master on a share that somebody writes to while it is being cloned.
@Suite struct ChangingMasterTests {
    private let folder: TestFolder
    private let path: String
    private static let size: Int64 = 1 << 20

    init() throws {
        folder = try TestFolder()
        path = "\(folder.path)/debian@3.raw"
        try PosixFiles().open(path, .createNew).truncate(to: Self.size)
        try write(0x11)
    }

    /// Writes to it, again until its time of change is another: kernels count that in ticks, of which one may be long.
    private func write(_ byte: UInt8) throws {
        let file = try PosixFiles().open(path, .update)
        let before = try PosixFiles().status(path)?.stamp
        repeat {
            try [UInt8](repeating: byte, count: 4096).withUnsafeBytes { try file.write($0, at: 0) }
        } while try PosixFiles().status(path)?.stamp == before
    }

    /// The master as it is now.
    private func master() throws -> MasterImage {
        let status = try #require(try PosixFiles().status(path))
        return try MasterImage(
            name: try #require(MasterName("debian@3")), path: path, size: Self.size, stamp: status.stamp)
    }

    private func registry(_ files: any FileAccess = PosixFiles()) throws -> CloneRegistry {
        try CloneRegistry(site: CloneSite(folder: "\(folder.path)/clones", files: files))
    }

    private func names() throws -> [String] {
        try PosixFiles().names(in: "\(folder.path)/clones").filter { $0 != "journal" }.sorted()
    }

    private func beginning(_ clone: Clone) throws -> [UInt8] {
        let file = try PosixFiles().open(clone.path, .read)
        var bytes = [UInt8](repeating: 0, count: 1)
        _ = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return bytes
    }

    @Test(arguments: [CloneBackendKind.qcow2, .copy, .vhd])
    func `no clone is made of it`(_ kind: CloneBackendKind) throws {
        let files = MeddlingFiles { try self.write(0x22) }
        let registry = try registry(files)
        let master = try master()
        files.meddle(after: 1)
        #expect(throws: CloneError(.altered, "")) {
            try registry.create(try CloneName("vm"), of: master, backend: .only(kind))
        }
        #expect(registry.list().isEmpty)
        #expect(try names().isEmpty)
        _ = try registry.create(try CloneName("vm"), of: try self.master(), backend: .only(kind))
    }

    /// The process dies at every operation after the change; no later start lists a clone of what was not checked.
    @Test(arguments: [CloneBackendKind.qcow2, .copy, .vhd])
    func `a crash after the change leaves no clone`(_ kind: CloneBackendKind) throws {
        var operation = 1
        while true {
            let files = MeddlingFiles { try self.write(0x22) }
            let registry = try registry(files)
            try write(0x11)
            let master = try master()
            files.meddle(after: 1, crashAt: operation)
            #expect(throws: (any Error).self) {
                try registry.create(try CloneName("vm"), of: master, backend: .only(kind))
            }
            let isOver = files.operations <= operation
            let restarted = try self.registry()
            #expect(restarted.list().isEmpty, "after a crash at operation \(operation)")
            #expect(try names().isEmpty, "after a crash at operation \(operation)")
            if isOver { break }
            operation += 1
        }
        #expect(operation > 5)
    }

    @Test(arguments: [CloneBackendKind.qcow2, .copy, .vhd])
    func `a reset to it leaves the clone as it was`(_ kind: CloneBackendKind) throws {
        let files = MeddlingFiles { try self.write(0x22) }
        let registry = try registry(files)
        let clone = try registry.create(try CloneName("vm"), of: try master(), backend: .only(kind)).clones[0]
        let before = try PosixFiles().contents(of: clone.path, limit: 1 << 22)
        let master = try master()
        files.meddle(after: 0)
        #expect(throws: CloneError(.altered, "")) { try registry.reset(clone.name, to: master) }
        #expect(try PosixFiles().contents(of: clone.path, limit: 1 << 22) == before)
        #expect(throws: CloneError(.altered, "")) { try registry.reset(clone.name, to: master) }
        #expect(registry.list() == [clone])
        try registry.reset(clone.name, to: try self.master())
        if kind == .copy { #expect(try beginning(clone) == [0x22]) }
    }

    /// Volumes are made in the guest alone.
    @Test(arguments: Guest.isHere ? [CloneBackendKind.lvm, .lvmThin] : [])
    func `no clone is made of a volume that it was copied into meanwhile`(_ kind: CloneBackendKind) throws {
        try Guest.clear()
        func registry(afterFill: @escaping @Sendable () throws -> Void) throws -> CloneRegistry {
            let site = CloneSite(folder: "\(folder.path)/clones", files: PosixFiles())
            let volumes = FaultyVolumes(
                access: LogicalVolumes(tools: PosixTools()), faults: FaultyFiles(), afterFill: afterFill)
            let mappings = Guest.mappings(site)
            return try CloneRegistry(
                site: site,
                backends: [
                    kind == .lvm
                        ? LvmBackend.snapshots(site: site, mappings: mappings, volumes: volumes)
                        : LvmBackend.thin(site: site, mappings: mappings, volumes: volumes)
                ])
        }
        let name = try CloneName("vm")
        let master = try master()
        let disturbed = try registry { try self.write(0x22) }
        #expect(throws: CloneError(.altered, "")) {
            try disturbed.create(name, of: master, backend: .only(kind))
        }
        #expect(disturbed.list().isEmpty)
        let undisturbed = try registry {}
        #expect(undisturbed.repair().problems.isEmpty)
        #expect(try Guest.devices().isEmpty)
        let clone = try undisturbed.create(name, of: try self.master(), backend: .only(kind)).clones[0]
        try ToolRun.check("cmp", "--bytes", "\(Self.size)", clone.path, path)
        try undisturbed.remove([name])
        #expect(try Guest.devices().isEmpty)
    }

    @Test func `a share that is gone when the clone is made is said`() throws {
        let isAway = Mutex(false)
        let files = PosixFiles()
        let registry = try CloneRegistry(
            site: CloneSite(folder: "\(folder.path)/clones", files: files) { path throws(FileError) in
                if isAway.withLock({ $0 }) {
                    throw FileError(.other(110), operation: "inspect", path: path, reason: "no answer within 2 s")
                }
                return try files.status(path)
            })
        isAway.withLock { $0 = true }
        #expect(throws: CloneError(.notFound, "")) { try registry.create(try CloneName("vm"), of: try master()) }
        #expect(registry.list().isEmpty)
        #expect(try names().isEmpty)
    }
}

/// Files with somebody who does something once so many operations have passed.
private final class MeddlingFiles: FileAccess {
    private struct Plan: Sendable {
        var after: Int?
        var operations = 0
    }

    private let files = FaultyFiles()
    private let plan = Mutex(Plan())
    private let meddle: @Sendable () throws -> Void

    init(_ meddle: @escaping @Sendable () throws -> Void) { self.meddle = meddle }

    var operations: Int { files.operations }

    /// Counts from now on.
    func meddle(after operations: Int, crashAt: Int? = nil) {
        files.plant(crashAt.map { .crash(at: $0) } ?? .none)
        plan.withLock { $0 = Plan(after: operations) }
    }

    private func pass() {
        let isDue = plan.withLock { plan in
            plan.operations += 1
            guard let after = plan.after, plan.operations > after else { return false }
            plan.after = nil
            return true
        }
        if isDue { do { try meddle() } catch { Issue.record(error) } }
    }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile {
        if mode != .read { pass() }
        return try files.open(path, mode)
    }
    func makeDirectory(_ path: String) throws(FileError) { try files.makeDirectory(path) }
    func rename(_ from: String, to: String) throws(FileError) { try files.rename(from, to: to) }
    func remove(_ path: String) throws(FileError) { try files.remove(path) }
    func names(in directory: String) throws(FileError) -> [String] { try files.names(in: directory) }
    func status(_ path: String) throws(FileError) -> FileStatus? { try files.status(path) }
    func syncDirectory(_ directory: String) throws(FileError) { try files.syncDirectory(directory) }
    func setMode(_ path: String, _ mode: UInt32) throws(FileError) { try files.setMode(path, mode) }
    func space(at path: String) throws(FileError) -> FileSystemSpace { try files.space(at: path) }
    func reflink(_ from: String, to: String) throws(FileError) { try files.reflink(from, to: to) }
}
