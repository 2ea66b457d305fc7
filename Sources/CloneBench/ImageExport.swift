// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// An image as qemu would read it for a guest: qemu-storage-daemon opens it with the drivers and options of a machine
/// with cache=none, and serves it over NBD on a Unix socket, which fio speaks. The page cache is passed by.
package struct ImageExport: Equatable, Sendable {
    package let path: String
    /// The format, which is never probed: `raw` or `qcow2`.
    package let format: String
    /// The raw image below an overlay.
    package let backing: String?

    package init(path: String, format: String, backing: String?) {
        self.path = path
        self.format = format
        self.backing = backing
    }

    static let socket = "nbd.sock"
    /// The daemon's command line. The monitor comes last: its greeting says that all before it is in place.
    package func arguments() throws -> [String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let image = Node(
            driver: format, name: "disk",
            file: .file(path),
            backing: backing.map { Node(driver: "raw", name: "master", file: .file($0), isReadOnly: true) })
        return [
            "--blockdev", String(decoding: try encoder.encode(image), as: UTF8.self),
            "--nbd-server", "addr.type=unix,addr.path=\(Self.socket)",
            "--export", "type=nbd,id=export,node-name=disk,name=\(FioJob.exportName),writable=on",
            "--chardev", "stdio,id=monitor", "--monitor", "monitor",
        ]
    }

    /// Serves it while `body` works.
    /// - Parameters:
    ///   - folder: where the socket is made.
    ///   - seconds: the longest it may be needed. When this process is killed, it is how long the daemon outlives it.
    func serve<Result: Sendable>(
        in folder: String, seconds: Int, while body: () async throws -> Result
    ) async throws -> Result {
        try await BenchTool.storageDaemon.serve(try arguments(), in: folder, seconds: seconds, while: body)
    }

    /// A node of qemu's block layer, as its `blockdev-add` takes it.
    private final class Node: Encodable {
        struct File: Encodable {
            let driver = "file"
            let filename: String
            let cache = ["direct": true]
            let aio = "native"

            static func file(_ path: String) -> File { File(filename: path) }
        }

        let driver: String
        let name: String
        let file: File
        let isReadOnly: Bool
        let backing: Node?

        init(driver: String, name: String, file: File, isReadOnly: Bool = false, backing: Node? = nil) {
            self.driver = driver
            self.name = name
            self.file = file
            self.isReadOnly = isReadOnly
            self.backing = backing
        }

        enum CodingKeys: String, CodingKey {
            case driver, file, backing
            case name = "node-name"
            case isReadOnly = "read-only"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(driver, forKey: .driver)
            try container.encode(name, forKey: .name)
            try container.encode(file, forKey: .file)
            try container.encode(isReadOnly, forKey: .isReadOnly)
            try container.encodeIfPresent(backing, forKey: .backing)
        }
    }
}
