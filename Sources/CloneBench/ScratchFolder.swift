// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import FoundationEssentials
import Glibc
import Metainfo

/// The folder in which everything of a benchmark lies, beside the user's masters and clones and apart from them. It is
/// removed at the end; what a killed run left is found and removed by the next one.
final class ScratchFolder {
    let path: String
    private let files = PosixFiles()
    /// Held while the folder is in use, released by the kernel when the process dies.
    private let lock: any HeldStoreLock

    private static let name = "drover-bench"
    /// Says that all of the folder is a benchmark's.
    private static let marker = "made-by-drover-bench"

    var clones: String { path + "/clones" }
    var master: String { path + "/bench@1.raw" }
    var rawFile: String { path + "/raw" }
    var sparseFile: String { path + "/sparse" }

    /// - Parameter parent: absolute and without symbolic links; it must exist.
    /// - Throws: ``BenchError`` when it cannot be made or another benchmark works in it; ``CloneError``.
    init(in parent: String) throws {
        path = parent == "/" ? "/\(Self.name)" : "\(parent)/\(Self.name)"
        do {
            guard try files.status(parent)?.isDirectory == true else {
                throw BenchError(.notFound, "there is no folder \(parent); name one with --folder or --store")
            }
            try Self.claim(path, files)
            switch try PosixStoreLocks().acquire(path + "/lock") {
            case .held(let lock): self.lock = lock
            case .taken(let holder):
                throw BenchError(
                    .conflict,
                    "another benchmark\(holder.map { ", process \($0)," } ?? "") works in \(path); wait for it, or "
                        + "name another folder with --folder")
            }
        } catch let error as FileError {
            throw BenchError(error)
        }
        try clear()
    }

    /// Makes the folder, or makes sure that an earlier benchmark did: all that is in it will be removed.
    private static func claim(_ path: String, _ files: PosixFiles) throws {
        let mark = "\(path)/\(marker)"
        if mkdir(path, 0o700) == 0 {
            _ = try files.open(mark, .createNew)
            return
        }
        guard errno == EEXIST else {
            throw BenchError(.failed, "cannot make \(path): \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            try files.status(mark) != nil
        else {
            throw BenchError(
                .conflict,
                "\(path) is there already and no benchmark of yours made it; move it away, or name another folder with "
                    + "--folder")
        }
    }

    /// The scratch folder's own clones, with every backend there is.
    func registry() throws(CloneError) -> CloneRegistry {
        try CloneRegistry(site: CloneSite(folder: clones, files: files))
    }

    /// Takes everything away: first the clones, which may be more than files, then the folder.
    func remove() throws {
        try clear()
        do {
            try files.remove("\(path)/\(Self.marker)")
            try files.remove(path + "/lock")
            guard rmdir(path) == 0 || errno == ENOTEMPTY else {
                throw BenchError(.failed, "cannot remove \(path): \(String(cString: strerror(errno)))")
            }
        } catch let error as FileError {
            throw BenchError(error)
        }
    }

    private func clear() throws {
        do {
            if try files.status(clones) != nil {
                let registry = try registry()
                try registry.remove(registry.list().map(\.name))
            }
            for name in try files.names(in: path) where name != "lock" && name != Self.marker {
                try FileManager.default.removeItem(atPath: "\(path)/\(name)")
            }
        } catch let error as FileError {
            throw BenchError(error)
        }
    }

    /// Makes everything here durable, so that no subject pays for the one before it, and forgets what the page cache holds
    /// of it, so that none is read from memory because the one before it was.
    func settle() throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            let descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { continue }
            fsync(descriptor)
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
            close(descriptor)
        }
    }
}
