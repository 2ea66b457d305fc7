// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Foundation
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

    @discardableResult
    private func run(_ arguments: String...) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let output = URL(fileURLWithPath: "\(folder.path)/output-\(UUID().uuidString)")
        try Data().write(to: output)
        let handle = try FileHandle(forWritingTo: output)
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOf: output, encoding: .utf8))
    }

    @Test func `an image that qemu has open for writing is refused until qemu lets it go`() throws {
        let pidFile = "\(folder.path)/pid"
        // --fork returns when the image is open.
        let nbd = try run(
            "qemu-nbd", "--fork", "--persistent", "--pid-file=\(pidFile)", "--socket=\(folder.path)/s", "-f", "raw", image)
        #expect(nbd.status == 0, "\(nbd.output)")
        let pid = try #require(Int32(try String(contentsOfFile: pidFile, encoding: .utf8).filter(\.isNumber)))
        let error = #expect(throws: StoreError.self) { try SourceLock(image) }
        #expect(error?.kind == .sourceInUse)
        kill(pid, SIGTERM)
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
        let pid = try #require(Int32(try String(contentsOfFile: pidFile, encoding: .utf8).filter(\.isNumber)))
        defer { kill(pid, SIGTERM) }
        _ = try SourceLock(image)
    }
}
