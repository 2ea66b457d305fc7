// SPDX-License-Identifier: Apache-2.0

package import FileLayer

/// What lies in a part of an image, by the marks that it leaves at known places.
package enum FileSystemKind: String, Codable, Sendable {
    /// ext2, ext3 or ext4.
    case ext
    case xfs
    case btrfs
    case fat
    case swap
    case lvm = "LVM"
    case luks = "LUKS"
    case unknown

    private static let marks: [(kind: FileSystemKind, offset: Int64, text: [UInt8])] = [
        (.xfs, 0, Array("XFSB".utf8)), (.luks, 0, Array("LUKS".utf8) + [0xba, 0xbe]),
        (.lvm, 512, Array("LABELONE".utf8)), (.ext, 1080, [0x53, 0xef]), (.swap, 4086, Array("SWAPSPACE2".utf8)),
        (.btrfs, 65600, Array("_BHRfS_M".utf8)), (.fat, 54, Array("FAT1".utf8)), (.fat, 82, Array("FAT32".utf8)),
    ]

    /// - Throws: what reading throws.
    package static func probe(_ image: any OpenFile, _ partition: Partition) throws(FileError) -> FileSystemKind {
        for mark in marks where mark.offset + Int64(mark.text.count) <= partition.length {
            let found = try image.bytes(at: partition.offset + mark.offset, count: mark.text.count)
            if found == mark.text { return mark.kind }
        }
        return .unknown
    }
}
