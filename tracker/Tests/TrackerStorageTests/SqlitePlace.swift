// SPDX-License-Identifier: Apache-2.0

import Foundation
import SqliteStorage
import Glibc
import TestSupport
import Testing
import TrackerStorage

/// A database file in a folder of its own, which is a file system of 8 MiB where it shall be small.
final class SqlitePlace: StoragePlace {
    let folder: TemporaryDirectory
    private let isMounted: Bool

    var path: String { folder.path + "/tracker.sqlite" }
    private var ballast: String { folder.path + "/ballast" }

    init(small: Bool = false) throws {
        folder = try TemporaryDirectory()
        isMounted = small
        if small { try Self.tool("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder.path) }
    }

    deinit {
        if isMounted { try? Self.tool("umount", "-l", folder.path) }
    }

    func open(_ limits: StorageLimits) throws -> any StorageEngine { try SqliteStorage(path: path, limits: limits) }

    func fill() throws {
        #expect(isMounted)
        let file = Glibc.open(ballast, O_CREAT | O_WRONLY | O_APPEND, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        for size in [64 << 10, 4 << 10, 1] {
            let bytes = [UInt8](repeating: 1, count: size)
            while write(file, bytes, size) > 0 {}
        }
    }

    func makeRoom() throws { try #require(unlink(ballast) == 0) }

    private static func tool(_ name: String, _ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [name] + arguments
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(name) \(arguments.joined(separator: " "))")
    }
}
