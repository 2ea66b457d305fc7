// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Synchronization

/// The machine's files with a fault planted: the process dies at an operation, one operation fails, or the disk fills.
final class FaultyFiles: FileAccess {
    enum Fault: Sendable {
        case none
        /// Nothing is done from this operation on; a write that it hits is torn in half.
        case crash(at: Int)
        /// This one operation fails, and the rest works.
        case failOnce(at: Int)
        /// Nothing more can be written after so many bytes; a reflink counts as 4,096.
        case full(after: Int)
        /// The file system shares no extents.
        case noReflink
    }

    private struct State: Sendable {
        var fault: Fault
        var operations = 0
        var written = 0
    }

    private let files = PosixFiles()
    private let state: Mutex<State>

    init(_ fault: Fault = .none) { state = Mutex(State(fault: fault)) }

    /// Operations that change something, so far.
    var operations: Int { state.withLock { $0.operations } }
    /// Bytes written so far.
    var written: Int { state.withLock { $0.written } }

    func plant(_ fault: Fault) {
        state.withLock { $0 = State(fault: fault) }
    }

    /// Counts one operation.
    /// - Returns: how many of the `bytes` may still be written when it is the one that goes wrong, and the error.
    func pass(_ operation: String, _ path: String, bytes: Int = 0) -> (allowed: Int, error: FileError)? {
        state.withLock { state in
            let number = state.operations
            state.operations += 1
            let injected = FileError(.io, operation: operation, path: path, reason: "injected fault")
            switch state.fault {
            case .crash(let at) where number >= at: return (number == at ? bytes / 2 : 0, injected)
            case .failOnce(let at) where number == at: return (0, injected)
            case .full(let limit) where bytes > 0 && state.written + bytes > limit:
                let allowed = max(0, limit - state.written)
                state.written = limit
                return (allowed, FileError(.noSpace, operation: operation, path: path, reason: "injected full disk"))
            default:
                state.written += bytes
                return nil
            }
        }
    }

    private func check(_ operation: String, _ path: String, bytes: Int = 0) throws(FileError) {
        if let (_, error) = pass(operation, path, bytes: bytes) { throw error }
    }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile {
        if [.createNew, .createPrivate, .createOrUpdate].contains(mode) { try check("open", path) }
        return FaultyFile(try files.open(path, mode), path: path, of: self)
    }

    func makeDirectory(_ path: String) throws(FileError) {
        try check("make", path)
        try files.makeDirectory(path)
    }

    func rename(_ from: String, to: String) throws(FileError) {
        try check("rename", from)
        try files.rename(from, to: to)
    }

    func remove(_ path: String) throws(FileError) {
        try check("remove", path)
        try files.remove(path)
    }

    func names(in directory: String) throws(FileError) -> [String] { try files.names(in: directory) }
    func status(_ path: String) throws(FileError) -> FileStatus? { try files.status(path) }

    func syncDirectory(_ directory: String) throws(FileError) {
        try check("sync", directory)
        try files.syncDirectory(directory)
    }

    func setMode(_ path: String, _ mode: UInt32) throws(FileError) {
        try check("change the mode of", path)
        try files.setMode(path, mode)
    }

    func space(at path: String) throws(FileError) -> FileSystemSpace { try files.space(at: path) }

    func reflink(_ from: String, to: String) throws(FileError) {
        if case .noReflink = state.withLock({ $0.fault }) {
            throw FileError(.unsupported, operation: "reflink", path: from, reason: "injected")
        }
        try check("reflink", to, bytes: 4096)
        try files.reflink(from, to: to)
    }
}

private final class FaultyFile: OpenFile {
    private let file: any OpenFile
    private let path: String
    private let owner: FaultyFiles

    init(_ file: any OpenFile, path: String, of owner: FaultyFiles) {
        self.file = file
        self.path = path
        self.owner = owner
    }

    func size() throws(FileError) -> Int64 { try file.size() }
    func nextData(from offset: Int64) throws(FileError) -> Range<Int64>? { try file.nextData(from: offset) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
        try file.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
        if let (allowed, error) = owner.pass("write", path, bytes: bytes.count) {
            try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<allowed]), at: offset)
            throw error
        }
        try file.write(bytes, at: offset)
    }

    func truncate(to size: Int64) throws(FileError) {
        if let (_, error) = owner.pass("set the size of", path) { throw error }
        try file.truncate(to: size)
    }

    func sync() throws(FileError) {
        if let (_, error) = owner.pass("sync", path) { throw error }
        try file.sync()
    }

    func syncData() throws(FileError) {
        if let (_, error) = owner.pass("sync", path) { throw error }
        try file.syncData()
    }
}
