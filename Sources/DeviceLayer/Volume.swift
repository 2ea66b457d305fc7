// SPDX-License-Identifier: Apache-2.0

/// A volume group of LVM.
package struct VolumeGroup: Hashable, Sendable {
    package let name: String
    /// Bytes.
    package let size: Int64
    package let free: Int64
    /// The unit of allocation, in bytes.
    package let extentSize: Int64

    package init(name: String, size: Int64, free: Int64, extentSize: Int64) {
        self.name = name
        self.size = size
        self.free = free
        self.extentSize = extentSize
    }
}

/// A logical volume.
package struct Volume: Hashable, Sendable {
    package let id: VolumeID
    /// Bytes, as whoever opens it sees it.
    package let size: Int64
    package let tags: Set<String>
    /// The volume that it is a snapshot of, or that it reads where nothing was written.
    package let origin: String?
    /// The pool that it is thin in.
    package let pool: String?
    /// How full a snapshot's store or a pool is, 0 to 1.
    package let fill: Double?
    /// How full a pool's metadata is, 0 to 1.
    package let metadataFill: Double?
    package let isActive: Bool
    package let isOpen: Bool
    package let isReadOnly: Bool
    /// A snapshot whose store was full: what was written to it is lost.
    package let isInvalid: Bool

    package init(
        id: VolumeID, size: Int64, tags: Set<String>, origin: String?, pool: String?, fill: Double?,
        metadataFill: Double?, isActive: Bool, isOpen: Bool, isReadOnly: Bool, isInvalid: Bool
    ) {
        self.id = id
        self.size = size
        self.tags = tags
        self.origin = origin
        self.pool = pool
        self.fill = fill
        self.metadataFill = metadataFill
        self.isActive = isActive
        self.isOpen = isOpen
        self.isReadOnly = isReadOnly
        self.isInvalid = isInvalid
    }
}

/// Which volume: its group and its name.
package struct VolumeID: Hashable, Sendable, CustomStringConvertible {
    package let group: String
    package let name: String

    package init(_ group: String, _ name: String) {
        self.group = group
        self.name = name
    }

    /// As LVM's programs want it.
    package var description: String { "\(group)/\(name)" }
    /// What a machine opens.
    package var path: String { "/dev/\(group)/\(name)" }

    /// Whether `text` may name a group: LVM's letters, and nothing that reads like an option or a path.
    package static func isValid(group text: String) -> Bool {
        let allowed = { (byte: UInt8) in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [0x2b, 0x2d, 0x2e, 0x5f].contains(byte)
        }
        return (1...127).contains(text.utf8.count) && text.utf8.allSatisfy(allowed) && !text.hasPrefix("-")
            && text != "." && text != ".."
    }
}
