// SPDX-License-Identifier: Apache-2.0

package import FileLayer
import Glibc

/// qemu's image lock, seen from a reader. qemu marks what it does with an image by read locks on single bytes: byte
/// 100 + n says "I use permission n", byte 200 + n "I share permission n with nobody", where n is 0 for consistent
/// reads, 1 for writing and 3 for resizing. The locks belong to the open file (OFD), not to the process.
package final class SourceLock: Sendable {
    private static let used: Int64 = 100
    private static let unshared: Int64 = 200
    private static let consistentRead: Int64 = 0
    private static let write: Int64 = 1
    private static let resize: Int64 = 3
    // The importer does not see these two of <fcntl.h>, which stand behind _GNU_SOURCE.
    private static let getLock: Int32 = 36
    private static let setLock: Int32 = 37

    /// The locked image, open for reading while this object lives. Whoever reads or passes it on means this very file,
    /// whatever its path stands for by then.
    package let descriptor: Int32
    private let path: String

    /// Declares that nobody may write to or resize the image at `path` while this object lives, and makes sure that
    /// nobody does now. A file system without such locks is taken at its word that nobody holds one.
    /// - Throws: `.sourceInUse` when a virtual machine or another program has the image open for writing; `.invalid` for
    ///   what is not a regular file.
    package init(_ path: String) throws(StoreError) {
        self.path = path
        // Without waiting, should it be a pipe.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw StoreError(FileError(errno, "open", path)) }
        guard try status().st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.invalid, "\(path) is not a regular file; name a disk image")
        }
        let inUse = StoreError(
            .sourceInUse, "\(path) is open for writing elsewhere, such as in a running virtual machine; stop that first"
        )
        // As qemu does it: first lock, then look, so that of two who come at the same time at least one sees the other.
        for byte in [Self.used + Self.consistentRead, Self.unshared + Self.write, Self.unshared + Self.resize] {
            var lock = Self.lock(F_RDLCK, byte)
            if fcntl(descriptor, Self.setLock, &lock) != 0, [EAGAIN, EACCES].contains(errno) { throw inUse }
        }
        for byte in [Self.unshared + Self.consistentRead, Self.used + Self.write, Self.used + Self.resize] {
            var lock = Self.lock(F_WRLCK, byte)
            if fcntl(descriptor, Self.getLock, &lock) == 0, lock.l_type != Int16(F_UNLCK) { throw inUse }
        }
    }

    deinit { close(descriptor) }

    /// What tells whether the image was changed.
    package func stamp() throws(StoreError) -> FileStamp { try fileStatus().stamp }

    /// What is known of the locked image.
    func fileStatus() throws(StoreError) -> FileStatus {
        try translating { () throws(FileError) in try PosixFiles.status(of: descriptor, at: path) }
    }

    /// The locked image as another reader takes it.
    func file() throws(StoreError) -> any OpenFile {
        try translating { () throws(FileError) in try PosixFiles.file(of: descriptor, at: path) }
    }

    /// A path that leads to the locked image for calls that take none but a path.
    var descriptorPath: String { "/proc/self/fd/\(descriptor)" }

    /// Reads from the locked image.
    /// - Returns: fewer bytes than `count` only where it ends.
    package func bytes(at offset: Int64, count: Int) throws(StoreError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let read = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset) + off_t(done))
            }
            if read == 0 { break }
            guard read > 0 else {
                if errno == EINTR { continue }
                throw StoreError(FileError(errno, "read", path))
            }
            done += read
        }
        return Array(bytes.prefix(done))
    }

    private func status() throws(StoreError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw StoreError(FileError(errno, "inspect", path)) }
        return status
    }

    private static func lock(_ type: Int32, _ byte: Int64) -> flock {
        var lock = flock()
        lock.l_type = Int16(type)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(byte)
        lock.l_len = 1
        return lock
    }
}
