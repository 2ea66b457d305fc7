// SPDX-License-Identifier: Apache-2.0

import CLinuxFiles
import Glibc

/// An open file of the machine's own file system. The descriptor never changes and is closed when the last reference
/// goes, so that positioned calls from several threads cannot meet a descriptor that was reused.
final class PosixFile: OpenFile {
    private let descriptor: Int32
    private let path: String
    /// Whether its file system is memory. Those do not say what is there without waiting, since all of it is.
    private let isInMemory: Bool

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        isInMemory = is_in_memory(descriptor) != 0
    }

    deinit { close(descriptor) }

    func size() throws(FileError) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(errno, "inspect", path) }
        return Int64(status.st_size)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset) + off_t(done))
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw FileError(errno, "read", path)
            }
            done += count
        }
        return done
    }

    func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Bool {
        let count =
            isInMemory
            ? pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            : read_cached(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
        return count == buffer.count
    }

    func duplicate() -> Int32? {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        return copy < 0 ? nil : copy
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset) + off_t(done))
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                throw FileError(count == 0 ? EIO : errno, "write", path)
            }
            done += count
        }
    }

    func truncate(to size: Int64) throws(FileError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw FileError(errno, "set the size of", path) }
    }

    func sync() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError(errno, "sync", path) }
    }

    func syncData() throws(FileError) {
        guard fdatasync(descriptor) == 0 else { throw FileError(errno, "sync", path) }
    }

    func nextData(from offset: Int64) throws(FileError) -> Range<Int64>? {
        let seekData: Int32 = 3
        let seekHole: Int32 = 4
        let start = lseek(descriptor, off_t(offset), seekData)
        guard start >= 0 else {
            let code = errno
            if code == ENXIO { return nil }
            // A file system that knows no holes is all data.
            if code == EINVAL {
                let size = try size()
                return offset < size ? offset..<size : nil
            }
            throw FileError(code, "look for data in", path)
        }
        let end = lseek(descriptor, start, seekHole)
        guard end > start else { throw FileError(end < 0 ? errno : EIO, "look for a hole in", path) }
        return Int64(start)..<Int64(end)
    }
}
