// SPDX-License-Identifier: Apache-2.0

/// The file system as the image store and the clone layer use it. Everything that must survive a crash goes through
/// this door, so that tests can put a layer behind it which fails, fills up, or loses what was not synced.
///
/// Paths are absolute. No call follows a symbolic link in the last component when it creates or opens a file.
package protocol FileAccess: Sendable {
    /// Opens a file.
    /// - Throws: ``FileError`` with `.notFound`, `.exists`, `.noSpace`, `.readOnly`, `.denied` or another cause.
    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile
    /// Creates a directory with mode 0755; one that is there already is left as it is. Parents must exist.
    func makeDirectory(_ path: String) throws(FileError)
    /// Renames a file, replacing what stands at `to`. Durable only after ``syncDirectory(_:)``.
    func rename(_ from: String, to: String) throws(FileError)
    /// Removes a file; one that is not there is no error. Durable only after ``syncDirectory(_:)``.
    func remove(_ path: String) throws(FileError)
    /// The names in a directory, sorted; without `.` and `..`.
    func names(in directory: String) throws(FileError) -> [String]
    /// What is known of the file at `path`, or `nil` when nothing is there.
    func status(_ path: String) throws(FileError) -> FileStatus?
    /// Makes creations, renames and removals in `directory` durable.
    func syncDirectory(_ directory: String) throws(FileError)
    /// Sets the permission bits, such as `0o444`.
    func setMode(_ path: String, _ mode: UInt32) throws(FileError)
    /// The space of the file system that holds `path`.
    func space(at path: String) throws(FileError) -> FileSystemSpace
    /// Makes `to` a new file that shares the extents of `from` (FICLONE).
    /// - Throws: `.unsupported` where the file system cannot; `to` is then not left behind.
    func reflink(_ from: String, to: String) throws(FileError)
    /// Whether anybody else has the file at `path` open, such as a machine; a file that is not there is nobody's.
    func isInUse(_ path: String) throws(FileError) -> Bool
}

extension FileAccess {
    /// Files in memory are nobody else's.
    package func isInUse(_ path: String) throws(FileError) -> Bool { false }
}

/// How a file is opened.
package enum OpenMode: Sendable {
    case read
    /// For reading and writing; the file must exist.
    case update
    /// For reading and writing; made when it is not there, kept as it is when it is.
    case createOrUpdate
    /// For reading and writing; the file must not exist.
    case createNew
    /// As ``createNew``, and nobody but its owner may ever open it (mode 0600).
    case createPrivate
}

/// An open file. It closes when the last reference goes. All calls are safe from any thread; offsets are in bytes.
package protocol OpenFile: AnyObject, Sendable {
    /// The file's size in bytes.
    func size() throws(FileError) -> Int64
    /// Reads from `offset` until `buffer` is full or the file ends.
    /// - Returns: the number of bytes read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int
    /// Fills `buffer` from `offset` on, if that takes no waiting for a disk.
    /// - Returns: whether all of it was there.
    func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool
    /// Another descriptor of the same open file, from which the kernel is to send bytes. The caller closes it.
    /// - Returns: `nil` for a file that has none, or where there are too many.
    func duplicate() -> Int32?
    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError)
    /// Sets the size; what is added is a hole.
    func truncate(to size: Int64) throws(FileError)
    /// Makes data and metadata durable (fsync).
    func sync() throws(FileError)
    /// Makes data durable, and of the metadata what reading it back needs (fdatasync).
    func syncData() throws(FileError)
    /// The first run of data at or after `offset`, or `nil` when only a hole follows (SEEK_DATA, SEEK_HOLE).
    func nextData(from offset: Int64) throws(FileError) -> Range<Int64>?
}

extension OpenFile {
    /// A file of which that cannot be told is read by those who may wait.
    package func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool { false }

    package func duplicate() -> Int32? { nil }
}

/// What is known of a file.
package struct FileStatus: Equatable, Sendable {
    /// Size in bytes.
    package var size: Int64
    /// Bytes allocated on disk; less than the size for a sparse file.
    package var allocated: Int64
    /// Time of the last change of content, in nanoseconds since 1970.
    package var modified: Int64
    /// Time of the last change of content or of what is known of it (ctime), in nanoseconds since 1970. No program can
    /// set it.
    package var changed: Int64
    /// Permission bits, such as `0o644`.
    package var mode: UInt32
    package var isDirectory: Bool

    package init(
        size: Int64, allocated: Int64, modified: Int64, changed: Int64, mode: UInt32, isDirectory: Bool
    ) {
        self.size = size
        self.allocated = allocated
        self.modified = modified
        self.changed = changed
        self.mode = mode
        self.isDirectory = isDirectory
    }
}

/// What tells one content of a file from another: no change leaves all three as they were, but one within the same tick of
/// the clock. Inode numbers are not part of it, since some file servers change them at any time.
package struct FileStamp: Hashable, Sendable {
    /// In bytes.
    package let size: Int64
    /// As ``FileStatus/modified``.
    package let modified: Int64
    /// As ``FileStatus/changed``.
    package let changed: Int64
}

extension FileStatus {
    package var stamp: FileStamp { FileStamp(size: size, modified: modified, changed: changed) }
}

/// The space of a file system, in bytes.
package struct FileSystemSpace: Equatable, Sendable {
    /// What an unprivileged writer may still use.
    package var available: Int64
    package var total: Int64

    package init(available: Int64, total: Int64) {
        self.available = available
        self.total = total
    }
}
