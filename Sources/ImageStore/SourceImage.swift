// SPDX-License-Identifier: Apache-2.0

package import FileLayer

/// A raw image that a master is made from, open for reading and watched for changes.
package final class SourceImage: Sendable {
    /// Absolute, without symbolic links; see ``StoreLayout/resolve(_:)``.
    package let path: String
    /// In bytes; at least 1.
    package let size: Int64
    /// Bytes it occupies on disk.
    package let allocated: Int64
    package let file: any OpenFile
    /// A path that leads to ``file``, whatever its own path stands for by now.
    let pathOfFile: String
    private let files: any FileAccess
    private let status: FileStatus
    private let lock: SourceLock?

    /// Opens a source.
    /// - Parameter lock: keeps virtual machines from writing to it meanwhile; it is this very file that is read then.
    ///   `nil` where there are no such locks.
    /// - Throws: `.notFound`, `.denied`; `.invalid` for what is not a regular file or is empty.
    package init(_ path: String, files: any FileAccess, lock: SourceLock?) throws(StoreError) {
        guard let status = try Self.status(path, files, lock) else {
            throw StoreError(.notFound, "there is no image at \(path); check the path")
        }
        guard !status.isDirectory, status.size > 0 else {
            throw StoreError(.invalid, "\(path) is empty or not a regular file; name a raw disk image")
        }
        file =
            if let lock { try lock.file() } else {
                try translating { () throws(FileError) in try files.open(path, .read) }
            }
        pathOfFile = lock?.descriptorPath ?? path
        self.path = path
        self.files = files
        self.status = status
        self.lock = lock
        size = status.size
        allocated = status.allocated
    }

    /// - Throws: `.sourceChanged` when the size or the time of change is not what it was at the opening.
    package func checkUnchanged() throws(StoreError) {
        let now = try Self.status(path, files, lock)
        guard now?.size == status.size, now?.modified == status.modified else {
            throw StoreError(.sourceChanged, "\(path) changed while it was read; stop what writes to it and try again")
        }
    }

    private static func status(
        _ path: String, _ files: any FileAccess, _ lock: SourceLock?
    ) throws(StoreError) -> FileStatus? {
        if let lock { return try lock.fileStatus() }
        return try translating { () throws(FileError) in try files.status(path) }
    }
}
