// SPDX-License-Identifier: Apache-2.0

import FileLayer

/// A fresh differencing VHD: every byte it consists of, worked out without I/O.
///
/// The file holds a copy of the footer, the dynamic header, a block allocation table without blocks, the parent's two
/// locators, and the footer. No block is allocated, so all reads go to the parent.
package struct VhdDifferencingDisk: Equatable, Sendable {
    /// The disk below, as a child names it.
    package struct Parent: Equatable, Sendable {
        /// Absolute; in the child's own folder.
        package let path: String
        package let uniqueID: VhdIdentifier
        /// When its file was last changed, in seconds since 2000.
        package let modified: UInt32

        package init(path: String, uniqueID: VhdIdentifier, modified: UInt32) {
            self.path = path
            self.uniqueID = uniqueID
            self.modified = modified
        }

        /// Its file name.
        package var name: String { path.lastPathComponent }
    }

    /// Without the child's own UUID, in which alone the clones of a batch differ.
    private let footer: VhdFooter
    private let header: VhdDynamicHeader
    /// All between the header and the last footer.
    private let body: [UInt8]

    /// - Parameters:
    ///   - size: the parent's disk in bytes.
    ///   - created: in seconds since 2000.
    /// - Throws: `.oddSize`, `.tooLarge`, `.nameTooLong`, or `.invalid` for a parent's name with a NUL in it.
    package init(
        size: Int64, parent: Parent, created: UInt32, blockSize: Int = VhdDifferencingDisk.defaultBlockSize
    ) throws(VhdError) {
        footer = try VhdFooter(.differencing, size: size, uniqueID: .none, created: created)
        let tableOffset = VhdFooter.byteCount + VhdDynamicHeader.byteCount
        let table = VhdBlockTable(disk: size, blockSize: blockSize)
        var body = table.encoded()
        var locators: [VhdParentLocator] = []
        // Readers take the first that leads to a file: the relative one is still right when the folder was moved.
        for (platform, path) in [
            (VhdParentLocator.relativePath, "./\(parent.name)"), (VhdParentLocator.absolutePath, parent.path),
        ] {
            var data = VhdParentLocator.path(path)
            let (offset, length) = (tableOffset + body.count, data.count)
            guard length <= VhdFormat.largestLocator else { throw .nameTooLong(path) }
            data.pad(toMultipleOf: VhdFormat.sectorSize)
            locators.append(
                VhdParentLocator(
                    platform: platform, space: UInt32(data.count), length: UInt32(length), offset: UInt64(offset)))
            body += data
        }
        header = try VhdDynamicHeader(
            tableOffset: Int64(tableOffset), tableEntries: table.count, blockSize: blockSize,
            parentID: parent.uniqueID, parentModified: parent.modified, parentName: parent.name, locators: locators)
        self.body = header.encoded() + body
    }

    package static let defaultBlockSize = VhdFormat.defaultBlockSize

    /// The file's size in bytes.
    package var fileSize: Int { 2 * VhdFooter.byteCount + body.count }

    /// The whole file of a child with a UUID of its own.
    package func encoded(as uniqueID: VhdIdentifier) -> [UInt8] {
        var footer = footer
        footer.uniqueID = uniqueID
        let sector = footer.encoded()
        return sector + body + sector
    }
}
