// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The machine's own file system.
package struct PosixFiles: FileAccess {
    package init() {}

    package func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .update: O_RDWR
            case .createOrUpdate: O_RDWR | O_CREAT
            case .createNew, .createPrivate: O_RDWR | O_CREAT | O_EXCL
            }
        let descriptor = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode == .createPrivate ? 0o600 : 0o644)
        guard descriptor >= 0 else { throw FileError(errno, "open", path) }
        return PosixFile(descriptor: descriptor, path: path)
    }

    /// An open file of a descriptor that was opened elsewhere; it is closed with the object.
    /// - Parameter path: what errors call it.
    package func adopt(_ descriptor: Int32, path: String) -> any OpenFile {
        PosixFile(descriptor: descriptor, path: path)
    }

    package func makeDirectory(_ path: String) throws(FileError) {
        guard mkdir(path, 0o755) != 0 else { return }
        let code = errno
        if code == EEXIST, try status(path)?.isDirectory == true { return }
        throw FileError(code, "create the folder", path)
    }

    package func rename(_ from: String, to: String) throws(FileError) {
        guard Glibc.rename(from, to) == 0 else { throw FileError(errno, "rename to \(to):", from) }
    }

    package func remove(_ path: String) throws(FileError) {
        guard unlink(path) != 0 else { return }
        let code = errno
        if code != ENOENT { throw FileError(code, "remove", path) }
    }

    package func names(in directory: String) throws(FileError) -> [String] {
        guard let stream = opendir(directory) else { throw FileError(errno, "list", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    package func status(_ path: String) throws(FileError) -> FileStatus? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            let code = errno
            if code == ENOENT || code == ENOTDIR { return nil }
            throw FileError(code, "inspect", path)
        }
        return Self.status(status)
    }

    /// What is known of an open file.
    /// - Parameter path: what people call it.
    package static func status(of descriptor: Int32, at path: String) throws(FileError) -> FileStatus {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(errno, "inspect", path) }
        return Self.status(status)
    }

    /// A further reference to an open file, which does not close with the first.
    /// - Parameter path: what people call it.
    package static func file(of descriptor: Int32, at path: String) throws(FileError) -> any OpenFile {
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard duplicate >= 0 else { throw FileError(errno, "open", path) }
        return PosixFile(descriptor: duplicate, path: path)
    }

    private static func status(_ status: stat) -> FileStatus {
        FileStatus(
            size: Int64(status.st_size), allocated: Int64(status.st_blocks) * 512,
            modified: nanoseconds(status.st_mtim), changed: nanoseconds(status.st_ctim),
            mode: UInt32(status.st_mode) & 0o7777, isDirectory: status.st_mode & S_IFMT == S_IFDIR)
    }

    package func syncDirectory(_ directory: String) throws(FileError) {
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(errno, "open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(errno, "sync", directory) }
    }

    package func setMode(_ path: String, _ mode: UInt32) throws(FileError) {
        guard chmod(path, mode) == 0 else { throw FileError(errno, "change the mode of", path) }
    }

    package func space(at path: String) throws(FileError) -> FileSystemSpace {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw FileError(errno, "measure the space at", path) }
        let unit = UInt64(status.f_frsize)
        return FileSystemSpace(
            available: Self.bytes(UInt64(status.f_bavail), unit), total: Self.bytes(UInt64(status.f_blocks), unit))
    }

    /// Times of other machines may be any number.
    private static func nanoseconds(_ time: timespec) -> Int64 {
        let (seconds, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : seconds.addingReportingOverflow(Int64(time.tv_nsec)).partialValue
    }

    private static func bytes(_ blocks: UInt64, _ unit: UInt64) -> Int64 {
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: unit)
        return overflow ? .max : Int64(clamping: bytes)
    }

    package func reflink(_ from: String, to: String) throws(FileError) {
        let source = Glibc.open(from, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw FileError(errno, "open", from) }
        defer { close(source) }
        let target = Glibc.open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard target >= 0 else { throw FileError(errno, "create", to) }
        defer { close(target) }
        guard ioctl(target, Self.ficlone, source) == 0 else {
            let code = errno
            unlink(to)
            if [EOPNOTSUPP, EXDEV, EINVAL, ENOTTY, ENOSYS].contains(code) {
                throw FileError(
                    .unsupported, operation: "reflink", path: from, reason: "the file system cannot share extents")
            }
            throw FileError(code, "reflink", from)
        }
    }

    /// `_IOW(0x94, 9, int)`, which the importer cannot see because it is a macro with arguments.
    private static let ficlone: UInt = 0x4004_9409
}

extension FileError {
    /// The error for a failed system call.
    package init(_ code: Int32, _ operation: String, _ path: String) {
        let cause: Cause =
            switch code {
            case ENOENT, ENOTDIR: .notFound
            case EEXIST: .exists
            case ENOSPC, EDQUOT: .noSpace
            case EROFS: .readOnly
            case EACCES, EPERM: .denied
            case EISDIR: .isDirectory
            case EOPNOTSUPP: .unsupported
            case EIO: .io
            default: .other(code)
            }
        self.init(cause, operation: operation, path: path, reason: String(cString: strerror(code)))
    }
}
