// SPDX-License-Identifier: Apache-2.0

/// A disk served by qemu-storage-daemon, which is qemu's own block layer, over NBD on a Unix socket, which fio speaks.
package struct ImageExport: Equatable, Sendable {
    package let image: DiskImage

    package init(_ image: DiskImage) { self.image = image }

    static let socket = "nbd.sock"

    /// The daemon's command line. The monitor comes last: its greeting says that all before it is in place.
    package func arguments() throws -> [String] {
        [
            "--blockdev", try image.blockdev(), "--nbd-server", "addr.type=unix,addr.path=\(Self.socket)",
            "--export", "type=nbd,id=export,node-name=\(DiskImage.node),name=\(FioJob.exportName),writable=on",
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
}
