// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// What kind of file system a path lies on, as the kernel calls it.
struct FileSystemName {
    let text: String

    private static let mounts = "/proc/self/mountinfo"
    private static let longestTable = 1 << 20

    /// - Parameter path: absolute and canonical.
    /// - Returns: `nil` when that cannot be told.
    init?(of path: String, files: any FileAccess) {
        // Its size is said to be 0, as of all files there.
        var bytes = [UInt8](repeating: 0, count: Self.longestTable)
        let count = bytes.withUnsafeMutableBytes { buffer in
            (try? files.open(Self.mounts, .read).read(into: buffer, at: 0)) ?? 0
        }
        self.init(of: path, in: String(decoding: bytes.prefix(count), as: UTF8.self))
    }

    /// - Parameter table: what proc(5) says of mountinfo: the mount point is the fifth word, and the kind of the file
    ///   system the first one after a dash.
    init?(of path: String, in table: String) {
        var longest = -1
        var found: String?
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 4, let dash = words.firstIndex(of: "-"), dash + 1 < words.count else { continue }
            let point = words[4] == "/" ? "" : String(words[4])
            // Of two that are mounted on each other the later one is seen.
            guard path == point || path.hasPrefix(point + "/"), point.utf8.count >= longest else { continue }
            longest = point.utf8.count
            found = String(words[dash + 1])
        }
        guard let found else { return nil }
        text = found
    }
}
