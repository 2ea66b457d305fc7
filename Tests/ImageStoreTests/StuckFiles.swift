// SPDX-License-Identifier: Apache-2.0

import Dispatch
import FileLayer
import Synchronization

/// A file system of which one folder stops answering until it is told to go on, as a share whose server is away does.
final class StuckFiles: FileAccess {
    private let files: any FileAccess
    private let folder: String
    private let isStuck = Atomic(false)
    private let mayGoOn = DispatchSemaphore(value: 0)
    private let asked = Atomic(0)

    init(_ files: any FileAccess, folder: String) {
        self.files = files
        self.folder = folder
    }

    /// Questions about the folder that were put while it did not answer.
    var questions: Int { asked.load(ordering: .relaxed) }

    func stick() { isStuck.store(true, ordering: .relaxed) }

    func goOn() {
        isStuck.store(false, ordering: .relaxed)
        for _ in 0..<questions { mayGoOn.signal() }
    }

    func status(_ path: String) throws(FileError) -> FileStatus? {
        if path.hasPrefix(folder), isStuck.load(ordering: .relaxed) {
            asked.add(1, ordering: .relaxed)
            mayGoOn.wait()
        }
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
