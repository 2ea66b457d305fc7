// SPDX-License-Identifier: Apache-2.0

package import FileLayer

import Synchronization

/// A file system in memory that remembers every change, can fail on request, and can be asked what a crash at any
/// moment would have left on disk.
///
/// It is harsher than real ones: a file's name is durable only once its folder was synced, whatever was done to the
/// file; and after a sync that failed, what was to be synced never reaches the disk, though reading shows it and the
/// next sync succeeds.
package final class CrashFiles: FileAccess {
    /// A change as it happened.
    enum Change: Sendable {
        case makeDirectory(String)
        case create(String, inode: Int, time: Int64)
        case rename(String, to: String)
        case remove(String)
        case write(inode: Int, bytes: [UInt8], offset: Int, time: Int64)
        case truncate(inode: Int, size: Int, time: Int64)
        case setMode(inode: Int, UInt32)
        case sync(inode: Int)
        case failedSync(inode: Int)
        case syncDirectory(String)
    }

    /// What is to go wrong.
    package struct Faults: Sendable {
        /// The disk is full for this write, counted from 0 over writes and new files, and for all after it.
        package var fullFromWrite: Int?
        /// This sync of a file, counted from 0, fails with an input/output error; the ones after it succeed.
        package var failingSync: Int?
        /// This sync of a folder, counted from 0, fails likewise.
        package var failingDirectorySync: Int?
        /// Everything that changes something fails with this cause.
        package var refusal: FileError.Cause?

        package init() {}
    }

    struct State: Sendable {
        /// What is known to be on disk under everything in the log.
        var base = MemoryTree()
        var tree = MemoryTree()
        var log: [Change] = []
        var faults = Faults()
        var space = FileSystemSpace(available: 1 << 40, total: 1 << 40)
        var canReflink = false
        var writes = 0
        var syncs = 0
        var directorySyncs = 0
        /// Bytes read of files by the end of their name.
        var bytesRead: [String: Int] = [:]
    }

    let state: Mutex<State>

    package init() { state = Mutex(State()) }

    /// A disk as a crash left it, and what has happened on it since but is not known to be durable.
    init(base: MemoryTree, log: [Change]) {
        var state = State()
        state.base = base
        state.tree = base
        for change in log { state.apply(change) }
        self.state = Mutex(state)
    }

    // MARK: For tests

    /// The number of changes so far; syncs count as changes.
    package var changeCount: Int { state.withLock { $0.log.count } }
    /// The number of writes and new files so far: how many values `fullFromWrite` can usefully have.
    package var writeCount: Int { state.withLock { $0.writes } }
    package var syncCount: Int { state.withLock { $0.syncs } }
    package var directorySyncCount: Int { state.withLock { $0.directorySyncs } }

    package func setFaults(_ faults: Faults) { state.withLock { $0.faults = faults } }
    package func setSpace(_ space: FileSystemSpace) { state.withLock { $0.space = space } }
    package func setReflink(_ works: Bool) { state.withLock { $0.canReflink = works } }

    /// Bytes read so far from files whose name ends so.
    package func bytesRead(suffix: String) -> Int {
        state.withLock { $0.bytesRead.filter { $0.key.hasSuffix(suffix) }.reduce(0) { $0 + $1.value } }
    }

    /// Puts a file there with this content, as something from outside would.
    package func put(_ bytes: [UInt8], at path: String) throws(FileError) {
        let file = try open(path, .createOrUpdate)
        try file.truncate(to: 0)
        try bytes.withUnsafeBufferPointer { buffer throws(FileError) in
            try file.write(UnsafeRawBufferPointer(buffer), at: 0)
        }
    }

    /// The content of a file, or `nil` when there is none.
    package func bytes(at path: String) -> [UInt8]? {
        state.withLock { state in state.tree.inode(path).flatMap { state.tree.inodes[$0]?.bytes } }
    }

    // MARK: FileAccess

    package func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile {
        let inode = try state.withLock { state throws(FileError) in
            if let inode = state.tree.inode(path) {
                if mode == .createNew || mode == .createPrivate { throw FileError(.exists, "open", path) }
                if mode != .read { try state.refuse("open", path) }
                return inode
            }
            if state.tree.isDirectory(path) { throw FileError(.isDirectory, "open", path) }
            guard mode == .createNew || mode == .createPrivate || mode == .createOrUpdate,
                state.tree.isDirectory(path.parentDirectory)
            else {
                throw FileError(.notFound, "open", path)
            }
            try state.countWrite("open", path)
            let inode = state.tree.nextInode
            state.apply(.create(path, inode: inode, time: state.tree.now))
            if mode == .createPrivate { state.apply(.setMode(inode: inode, 0o600)) }
            return inode
        }
        return CrashFile(self, inode: inode, path: path)
    }

    package func makeDirectory(_ path: String) throws(FileError) {
        try state.withLock { state throws(FileError) in
            if state.tree.isDirectory(path) { return }
            try state.refuse("create the directory", path)
            guard state.tree.inode(path) == nil else { throw FileError(.exists, "create the directory", path) }
            guard state.tree.isDirectory(path.parentDirectory) else {
                throw FileError(.notFound, "create the directory", path)
            }
            state.apply(.makeDirectory(path))
        }
    }

    package func rename(_ from: String, to: String) throws(FileError) {
        try state.withLock { state throws(FileError) in
            try state.refuse("rename", from)
            guard state.tree.inode(from) != nil, state.tree.isDirectory(to.parentDirectory) else {
                throw FileError(.notFound, "rename", from)
            }
            state.apply(.rename(from, to: to))
        }
    }

    package func remove(_ path: String) throws(FileError) {
        try state.withLock { state throws(FileError) in
            guard state.tree.inode(path) != nil else { return }
            try state.refuse("remove", path)
            state.apply(.remove(path))
        }
    }

    package func names(in directory: String) throws(FileError) -> [String] {
        try state.withLock { state throws(FileError) in
            guard let entries = state.tree.directories[directory] else { throw FileError(.notFound, "list", directory) }
            return entries.keys.sorted()
        }
    }

    package func status(_ path: String) throws(FileError) -> FileStatus? {
        state.withLock { $0.tree.status(path) }
    }

    package func syncDirectory(_ directory: String) throws(FileError) {
        try state.withLock { state throws(FileError) in
            guard state.tree.isDirectory(directory) else { throw FileError(.notFound, "sync", directory) }
            defer { state.directorySyncs += 1 }
            guard state.faults.failingDirectorySync != state.directorySyncs else {
                throw FileError(.io, "sync", directory)
            }
            state.apply(.syncDirectory(directory))
        }
    }

    package func setMode(_ path: String, _ mode: UInt32) throws(FileError) {
        try state.withLock { state throws(FileError) in
            try state.refuse("change the mode of", path)
            guard let inode = state.tree.inode(path) else { throw FileError(.notFound, "change the mode of", path) }
            state.apply(.setMode(inode: inode, mode))
        }
    }

    package func space(at path: String) throws(FileError) -> FileSystemSpace { state.withLock { $0.space } }

    package func reflink(_ from: String, to: String) throws(FileError) {
        try state.withLock { state throws(FileError) in
            guard state.canReflink else { throw FileError(.unsupported, "reflink", from) }
            try state.countWrite("reflink", to)
            guard let source = state.tree.inode(from).flatMap({ state.tree.inodes[$0] }) else {
                throw FileError(.notFound, "reflink", from)
            }
            guard state.tree.inode(to) == nil else { throw FileError(.exists, "reflink", to) }
            let inode = state.tree.nextInode
            state.apply(.create(to, inode: inode, time: state.tree.now))
            state.apply(.write(inode: inode, bytes: source.bytes, offset: 0, time: state.tree.now))
        }
    }
}

extension CrashFiles.State {
    mutating func apply(_ change: CrashFiles.Change) {
        log.append(change)
        tree.apply(change)
    }

    func refuse(_ operation: String, _ path: String) throws(FileError) {
        if let cause = faults.refusal { throw FileError(cause, operation, path) }
    }

    mutating func countWrite(_ operation: String, _ path: String) throws(FileError) {
        try refuse(operation, path)
        defer { writes += 1 }
        if let full = faults.fullFromWrite, writes >= full { throw FileError(.noSpace, operation, path) }
    }
}

extension FileError {
    init(_ cause: Cause, _ operation: String, _ path: String) {
        self.init(cause, operation: operation, path: path, reason: "\(cause), as the test asked or the tree stands")
    }
}

/// An open file of ``CrashFiles``.
private final class CrashFile: OpenFile {
    private let files: CrashFiles
    private let inode: Int
    private let path: String

    init(_ files: CrashFiles, inode: Int, path: String) {
        self.files = files
        self.inode = inode
        self.path = path
    }

    func size() throws(FileError) -> Int64 { Int64(files.state.withLock { $0.tree.inodes[inode]?.bytes.count ?? 0 }) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
        files.state.withLock { state in
            let bytes = state.tree.inodes[inode]?.bytes ?? []
            guard offset < bytes.count else { return 0 }
            let slice = bytes[Int(offset)..<min(bytes.count, Int(offset) + buffer.count)]
            UnsafeMutableRawBufferPointer(rebasing: buffer[..<slice.count]).copyBytes(from: slice)
            state.bytesRead[path, default: 0] += slice.count
            return slice.count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
        let bytes = Array(bytes)
        try files.state.withLock { state throws(FileError) in
            do throws(FileError) {
                try state.countWrite("write", path)
            } catch {
                // A full disk takes what fits.
                if error.cause == .noSpace {
                    let half = Array(bytes.prefix(bytes.count / 2))
                    state.apply(.write(inode: inode, bytes: half, offset: Int(offset), time: state.tree.now))
                }
                throw error
            }
            state.apply(.write(inode: inode, bytes: bytes, offset: Int(offset), time: state.tree.now))
        }
    }

    func truncate(to size: Int64) throws(FileError) {
        try files.state.withLock { state throws(FileError) in
            try state.refuse("set the size of", path)
            state.apply(.truncate(inode: inode, size: Int(size), time: state.tree.now))
        }
    }

    func sync() throws(FileError) {
        try files.state.withLock { state throws(FileError) in
            defer { state.syncs += 1 }
            guard state.faults.failingSync != state.syncs else {
                state.apply(.failedSync(inode: inode))
                throw FileError(.io, "sync", path)
            }
            state.apply(.sync(inode: inode))
        }
    }

    func syncData() throws(FileError) { try sync() }

    func nextData(from offset: Int64) throws(FileError) -> Range<Int64>? {
        // Every 4 KiB page of zeros counts as a hole.
        files.state.withLock { state in
            let bytes = state.tree.inodes[inode]?.bytes ?? []
            func isHole(_ page: Int) -> Bool {
                bytes[page * 4096..<min(bytes.count, (page + 1) * 4096)].allSatisfy { $0 == 0 }
            }
            let pages = (bytes.count + 4095) / 4096
            var page = Int(offset) / 4096
            while page < pages, isHole(page) { page += 1 }
            guard page < pages else { return nil }
            let start = max(offset, Int64(page) * 4096)
            while page < pages, !isHole(page) { page += 1 }
            return start..<min(Int64(bytes.count), Int64(page) * 4096)
        }
    }
}
