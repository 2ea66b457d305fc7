// SPDX-License-Identifier: Apache-2.0

/// An archive as the kernel unpacks it into its first file system ("newc", see the kernel's
/// Documentation/driver-api/early-userspace/buffer-format).
package struct CpioArchive: Sendable {
    private var bytes: [UInt8] = []
    private var folders: Set<String> = []
    private var entries = 0

    package init() {}

    /// Adds a file, and the folders above it that are not there yet.
    /// - Parameters:
    ///   - path: relative, without `.` and `..`.
    ///   - mode: permission bits.
    package mutating func add(_ path: String, _ content: some Collection<UInt8>, mode: UInt32 = 0o644) {
        let parts = path.split(separator: "/")
        for count in 1..<max(1, parts.count) { addFolder(parts.prefix(count).joined(separator: "/")) }
        entry(parts.joined(separator: "/"), mode: 0o100_000 | mode, content)
    }

    /// Adds an empty folder.
    package mutating func addFolder(_ path: String) {
        if folders.insert(path).inserted { entry(path, mode: 0o040_755, []) }
    }

    /// The whole archive, with the mark of its end.
    package consuming func finished() -> [UInt8] {
        entry("TRAILER!!!", mode: 0, [])
        return bytes
    }

    private mutating func entry(_ name: String, mode: UInt32, _ content: some Collection<UInt8>) {
        entries += 1
        // Number, mode, owner, group, links, time, length, four device numbers, length of the name, checksum.
        let fields = [entries, Int(mode), 0, 0, 1, 0, content.count, 0, 0, 0, 0, name.utf8.count + 1, 0]
        bytes += Array("070701".utf8)
        for field in fields {
            let digits = String(field, radix: 16, uppercase: true)
            bytes += Array((String(repeating: "0", count: max(0, 8 - digits.count)) + digits).utf8)
        }
        bytes += Array(name.utf8) + [0]
        pad()
        bytes += content
        pad()
    }

    private mutating func pad() { while bytes.count % 4 != 0 { bytes.append(0) } }
}
