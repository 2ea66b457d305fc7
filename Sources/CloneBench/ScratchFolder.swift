// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import FoundationEssentials
import Glibc
import Metainfo

/// The folder in which everything of a benchmark lies, beside the user's masters and clones and apart from them. It is
/// removed at the end; what a killed run left is found and removed by the next one.
package final class ScratchFolder {
    package let path: String
    private let files = PosixFiles()
    /// Held while the folder is in use, released by the kernel when the process dies.
    private let lock: any HeldStoreLock

    private static let name = "drover-bench"
    /// The file that is locked, which also says that all of the folder is a benchmark's. It comes first and goes last.
    private static let marker = "made-by-drover-bench"

    var clones: String { path + "/clones" }
    var master: String { path + "/bench@1.raw" }
    var rawFile: String { path + "/raw" }
    var sparseFile: String { path + "/sparse" }

    /// - Parameter parent: absolute and without symbolic links; it must exist.
    /// - Throws: ``BenchError`` when it cannot be made or another benchmark works in it; ``CloneError``.
    package init(in parent: String) throws {
        path = parent == "/" ? "/\(Self.name)" : "\(parent)/\(Self.name)"
        do {
            guard try files.status(parent)?.isDirectory == true else {
                throw BenchError(.notFound, "there is no folder \(parent); name one with --folder or --store")
            }
            lock = try Self.claim(path, files)
        } catch let error as FileError {
            throw BenchError(error)
        }
        try clear()
    }

    /// Makes the folder, or takes over what an earlier benchmark left, and locks it: all that is in it will be removed.
    private static func claim(_ path: String, _ files: PosixFiles) throws -> any HeldStoreLock {
        while true {
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
                throw BenchError(.failed, "cannot make \(path): \(String(cString: strerror(errno)))")
            }
            do {
                guard try isOurs(path, files) else {
                    throw BenchError(
                        .conflict,
                        "\(path) is there already and no benchmark of yours made it; move it away, or name another "
                            + "folder with --folder")
                }
                switch try PosixStoreLocks().acquire("\(path)/\(marker)") {
                case .held(let lock): return lock
                case .taken(let holder):
                    throw BenchError(
                        .conflict,
                        "another benchmark\(holder.map { ", process \($0)," } ?? "") works in \(path); wait for it, or "
                            + "name another folder with --folder")
                }
            } catch let error as FileError where error.cause == .notFound {
                // Another benchmark ended meanwhile and took the folder away.
                continue
            }
        }
    }

    /// Whether the folder is a benchmark's of this user: marked, or empty as between its first and its second step.
    private static func isOurs(_ path: String, _ files: PosixFiles) throws(FileError) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw FileError(errno, "inspect", path) }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else { return false }
        // In this order: who takes the folder away takes the marker last, and who makes it makes that first.
        if try files.status("\(path)/\(marker)") != nil { return true }
        let names = try files.names(in: path)
        return names.isEmpty || names.contains(marker)
    }

    /// The scratch folder's own clones, with every backend there is.
    func registry() throws(CloneError) -> CloneRegistry {
        try CloneRegistry(site: CloneSite(folder: clones, files: files))
    }

    /// Takes everything away: first the clones, which may be more than files, then the folder.
    package func remove() throws {
        try clear()
        do {
            try files.remove("\(path)/\(Self.marker)")
            // The next benchmark may have it already, or be done with it.
            guard rmdir(path) == 0 || [ENOTEMPTY, EEXIST, ENOENT].contains(errno) else {
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
            for name in try files.names(in: path) where name != Self.marker {
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
