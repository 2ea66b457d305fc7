// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Glibc
import ImageStore
import TestSupport
import Testing

/// Against qemu's own programs (Debian package qemu-utils).
struct SourceLockTests {
    let folder: TemporaryDirectory
    let image: String

    init() throws {
        folder = try TemporaryDirectory()
        image = "\(folder.path)/disk.raw"
        try PosixFiles().open(image, .createNew).truncate(to: 1 << 20)
    }

    /// Runs a program to its end, which for one that goes into the background is when it is ready.
    private func run(_ arguments: String...) throws -> (status: Int32, output: String) {
        let output = "\(folder.path)/output"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        let failure = posix_spawnp(&child, arguments[0], &actions, nil, &pointers, environ)
        #expect(failure == 0, "\(arguments[0]) cannot be started; install qemu-utils")
        var status: Int32 = -1
        while failure == 0, waitpid(child, &status, 0) < 0, errno == EINTR {}
        let bytes = try PosixFiles().contents(of: output, limit: 1 << 20)
        return (status, String(decoding: bytes, as: UTF8.self))
    }

    private func processID(_ path: String) throws -> pid_t {
        let text = String(decoding: try PosixFiles().contents(of: path, limit: 100), as: UTF8.self)
        return try #require(pid_t(text.filter(\.isNumber)))
    }

    @Test func `an image that qemu has open for writing is refused until qemu lets it go`() throws {
        let pidFile = "\(folder.path)/pid"
        // --fork returns when the image is open.
        let nbd = try run(
            "qemu-nbd", "--fork", "--persistent", "--pid-file=\(pidFile)", "--socket=\(folder.path)/s", "-f", "raw",
            image)
        #expect(nbd.status == 0, "\(nbd.output)")
        let pid = try processID(pidFile)
        let error = #expect(throws: StoreError.self) { try SourceLock(image) }
        #expect(error?.kind == .sourceInUse)
        kill(pid, SIGKILL)
        // The lock goes with the process, whenever that is; a lock that blocks until then would hide a hang.
        var lock: SourceLock?
        let patience = ContinuousClock.now + .seconds(20)
        while lock == nil, ContinuousClock.now < patience {
            lock = try? SourceLock(image)
            sched_yield()
        }
        #expect(lock != nil)
    }

    @Test func `while the lock is held qemu may read the image and not write to it`() throws {
        do {
            let lock = try SourceLock(image)
            let write = try run("qemu-io", "-f", "raw", "-c", "write 0 512", image)
            #expect(write.status != 0 && write.output.contains("lock"), "\(write.output)")
            let read = try run("qemu-io", "-r", "-f", "raw", "-c", "read 0 512", image)
            #expect(read.status == 0, "\(read.output)")
            let convert = try run("qemu-img", "convert", "-f", "raw", "-O", "raw", image, "\(folder.path)/copy.raw")
            #expect(convert.status == 0, "\(convert.output)")
            // Two readers do not disturb each other.
            _ = try SourceLock(image)
            withExtendedLifetime(lock) {}
        }
        #expect(try run("qemu-io", "-f", "raw", "-c", "write 0 512", image).status == 0)
    }

    @Test func `an image that qemu only reads is not refused`() throws {
        let pidFile = "\(folder.path)/pid"
        let nbd = try run(
            "qemu-nbd", "--fork", "--persistent", "--read-only", "--pid-file=\(pidFile)", "--socket=\(folder.path)/s",
            "-f", "raw", image)
        #expect(nbd.status == 0, "\(nbd.output)")
        let pid = try processID(pidFile)
        defer { kill(pid, SIGKILL) }
        _ = try SourceLock(image)
    }
}
