// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Takes the lock that keeps two processes from working on one store. A door of its own, so that stores in memory can
/// be locked in memory.
package protocol StoreLocking: Sendable {
    /// Takes the lock at `path` without waiting; the file is made when it is not there.
    /// - Throws: ``FileError`` when the file cannot be made or locked at all.
    func acquire(_ path: String) throws(FileError) -> StoreLockOutcome
}

/// What came of asking for a store's lock.
package enum StoreLockOutcome: Sendable {
    /// The lock is ours until the object goes.
    case held(any HeldStoreLock)
    /// Another process has it; its process id where that could be read.
    case taken(by: Int32?)
}

/// A lock that is released when the last reference goes, and by the kernel when the process dies.
package protocol HeldStoreLock: AnyObject, Sendable {}

/// `flock` on a file that also names the holder's process id for people.
package struct PosixStoreLocks: StoreLocking {
    package init() {}

    package func acquire(_ path: String) throws(FileError) -> StoreLockOutcome {
        while true {
            let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard descriptor >= 0 else { throw FileError(errno, "open", path) }
            let lock = PosixStoreLock(descriptor: descriptor)
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                let code = errno
                if code == EINTR { continue }
                guard code == EWOULDBLOCK else { throw FileError(code, "lock", path) }
                return .taken(by: holder(descriptor))
            }
            // Who had it may have removed the file before it was locked here, and the next one would make another.
            guard isThere(descriptor, at: path) else { continue }
            // The process id is only a hint in an error message; a full disk must not cost the lock.
            let text = Array("\(getpid())\n".utf8)
            if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
            return .held(lock)
        }
    }

    /// Whether an open file is the one at `path`.
    private func isThere(_ descriptor: Int32, at path: String) -> Bool {
        var (open, named) = (stat(), stat())
        return fstat(descriptor, &open) == 0 && lstat(path, &named) == 0
            && open.st_dev == named.st_dev && open.st_ino == named.st_ino
    }

    private func holder(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes.prefix(count).prefix { $0 != 0x0a }, as: UTF8.self))
    }
}

private final class PosixStoreLock: HeldStoreLock {
    private let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}
