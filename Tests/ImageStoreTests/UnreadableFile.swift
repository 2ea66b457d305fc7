// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// A file system on a disk that fails under one path.
struct UnreadableFile: FileAccess {
    private let files: any FileAccess
    private let unreadable: String

    init(_ files: any FileAccess, _ path: String) {
        self.files = files
        unreadable = path
    }

    func status(_ path: String) throws(FileError) -> FileStatus? {
        if path == unreadable { throw FileError(.io, operation: "stat", path: path, reason: "the disk fails") }
        return try files.status(path)
    }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile { try files.open(path, mode) }
    func makeDirectory(_ path: String) throws(FileError) { try files.makeDirectory(path) }
    func rename(_ from: String, to: String) throws(FileError) { try files.rename(from, to: to) }
    func remove(_ path: String) throws(FileError) { try files.remove(path) }
    func names(in directory: String) throws(FileError) -> [String] { try files.names(in: directory) }
    func syncDirectory(_ directory: String) throws(FileError) { try files.syncDirectory(directory) }
    func setMode(_ path: String, _ mode: UInt32) throws(FileError) { try files.setMode(path, mode) }
    func space(at path: String) throws(FileError) -> FileSystemSpace { try files.space(at: path) }
    func reflink(_ from: String, to: String) throws(FileError) { try files.reflink(from, to: to) }
}
