// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Glibc

/// A partition that may be overwritten. While the object lives the kernel lets nobody mount it.
final class BenchPartition {
    /// What the user called it.
    let path: String
    private let file: any OpenFile
    /// The device that was opened and looked at, whatever becomes of its path.
    let place: String

    /// - Parameters:
    ///   - size: what it must hold at least.
    ///   - overwrites: whether something known on it may be lost.
    /// - Throws: ``BenchError`` when it is no block device, is in use, too small, or holds something.
    init(_ path: String, size: Int64, overwrites: Bool) async throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw BenchError(.notFound, "there is no \(path)") }
        guard status.isBlockDevice else {
            throw BenchError(.usage, "\(path) is no block device; --partition wants one that may be overwritten")
        }
        // The kernel refuses this when the device or a partition of it is mounted, swapped to, or part of another one.
        let descriptor = open(path, O_RDWR | O_EXCL | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw code == EBUSY
                ? BenchError(.conflict, "\(path) is in use, mounted or part of another device; name one that is not")
                : BenchError(.failed, "cannot open \(path): \(String(cString: strerror(code)))")
        }
        file = PosixFiles().adopt(descriptor, path: path)
        self.path = path
        place = "/proc/\(getpid())/fd/\(descriptor)"
        let length = Int64(lseek(descriptor, 0, SEEK_END))
        guard length >= size else {
            throw BenchError(
                .usage,
                "\(path) has \(max(0, length)) bytes and \(size) are needed; name a larger one, or use a smaller --size"
            )
        }
        guard !overwrites else { return }
        // blkid exits 2 when it knows nothing of what is there.
        let found = try await BenchTool.blkid.run(["--probe", "--output", "export", place], seconds: 30)
        guard found.status == 2 else {
            let kind =
                found.output.split(separator: "\n").first {
                    $0.hasPrefix("TYPE=") || $0.hasPrefix("PTTYPE=")
                }.map { " (\($0.drop { $0 != "=" }.dropFirst()))" } ?? ""
            throw BenchError(
                .conflict, "\(path) holds something\(kind) that would be lost; if nobody needs it, add --overwrite")
        }
    }

    /// Writes the master to it, the empty half as zeros.
    func fill(_ data: MasterData) throws { try data.write(to: file, hasHoles: false) }
}

extension stat {
    var isBlockDevice: Bool { st_mode & S_IFMT == S_IFBLK }
}
