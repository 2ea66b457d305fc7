// SPDX-License-Identifier: Apache-2.0

import Glibc

extension PosixFiles {
    // The importer does not see these of <fcntl.h>, which stand behind _GNU_SOURCE.
    private static let getLock: Int32 = 36
    private static let setSignal: Int32 = 10
    private static let setLease: Int32 = 1024
    /// Of a disk that it has open qemu locks bytes from here on, one for each thing that it does.
    private static let firstLock: off_t = 100
    private static let locks: off_t = 64

    /// The kernel gives a lease on a file for writing only while nobody else has it open, in whatever way and as whatever user.
    /// Where it gives none, as for a stranger's file or on a share, the locks that qemu takes have to do.
    package func isInUse(_ path: String) throws(FileError) -> Bool {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return false }
            throw FileError(errno, "open", path)
        }
        defer { close(descriptor) }
        // Who opens it in this very moment makes the kernel send a signal, which is to be one that does nothing.
        if fcntl(descriptor, Self.setSignal, SIGURG) == 0 {
            if fcntl(descriptor, Self.setLease, Int32(F_WRLCK)) == 0 {
                _ = fcntl(descriptor, Self.setLease, Int32(F_UNLCK))
                return false
            }
            if errno == EAGAIN { return true }
        }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = Self.firstLock
        lock.l_len = Self.locks * 3
        guard fcntl(descriptor, Self.getLock, &lock) == 0 else { return false }
        return lock.l_type != Int16(F_UNLCK)
    }
}
