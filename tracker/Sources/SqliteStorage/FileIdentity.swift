// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What tells a file from its copies: its inode and that one's generation, by which a number that is used again differs.
/// The device is left out, since its number may change when the host starts again.
struct FileIdentity: Equatable, CustomStringConvertible {
    let description: String

    /// FS_IOC_GETVERSION of <linux/fs.h>, which is a macro that Swift does not see.
    private static let getVersion: UInt = 0x8008_7601

    /// - Returns: `nil` when the file cannot be looked at.
    init?(path: String) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return nil }
        // File systems without generations (tmpfs) do not use inode numbers again soon.
        var generation: Int = 0
        let isKnown = ioctl(file, Self.getVersion, &generation) == 0
        description = "\(status.st_ino) \(isKnown ? generation : 0)"
    }
}
