// SPDX-License-Identifier: Apache-2.0

/// A file that looks like a disk image and is out for something else: for another file, for memory, or for a crash of
/// whoever believes its header. Each is a sound image but for one thing.
package struct HostileImage: Sendable, CustomStringConvertible {
    /// What it tries, in a few words; with the CVE after which it is shaped.
    package let description: String
    /// The extension, which says the format.
    package let format: String
    package let file: ForgedFile
    /// Words of the reason for which it has to be refused.
    package let reason: String

    init(_ description: String, _ format: String, _ file: ForgedFile, _ reason: String) {
        self.description = "\(format): \(description)"
        self.format = format
        self.file = file
        self.reason = reason
    }

    /// All of them.
    /// - Parameter canary: the path of a file that none of them may be able to have opened; up to 200 bytes.
    package static func all(after canary: String) -> [HostileImage] {
        qcow2(after: canary) + vhd(after: canary) + vmdk(after: canary) + vhdx(after: canary) + vdi
    }

    /// The images they are made of, by extension; every program accepts these.
    package static let sound: [(format: String, file: ForgedFile)] = [
        ("qcow2", .qcow2()), ("vhd", .dynamicVhd()), ("vhd", .fixedVhd()), ("vmdk", .vmdk()), ("vhdx", .vhdx()),
        ("vdi", .vdi()),
    ]
}
