// SPDX-License-Identifier: Apache-2.0

/// The header of a dynamic or differencing VHD: where the block allocation table lies, and which disk is the parent.
package struct VhdDynamicHeader: Equatable, Sendable {
    package static let byteCount = 1024
    package static let locatorCount = 8

    /// How it says that no further header follows.
    private(set) var noOffset = VhdFormat.noOffset
    /// Where the block allocation table lies, in bytes.
    package var tableOffset: Int64
    package var tableEntries: Int
    /// Bytes of the disk in one block; a power of two.
    package var blockSize: Int
    /// ``VhdIdentifier/none`` without a parent.
    package var parentID: VhdIdentifier
    /// When the parent's file was last changed, in seconds since 2000.
    package var parentModified: UInt32
    /// The parent's file name; empty without a parent.
    package var parentName: String
    /// Always eight, those that are not used included.
    package var locators: [VhdParentLocator]

    /// - Parameter locators: up to eight.
    /// - Throws: `.nameTooLong` for a name of more than 256 UTF-16 units, `.invalid` for one with a NUL in it.
    package init(
        tableOffset: Int64, tableEntries: Int, blockSize: Int, parentID: VhdIdentifier, parentModified: UInt32,
        parentName: String, locators: [VhdParentLocator]
    ) throws(VhdError) {
        guard parentName.utf16.count <= Self.nameLength / 2 else { throw .nameTooLong(parentName) }
        guard !parentName.utf8.contains(0) else {
            throw .invalid(field: "a character of the parent's name", value: 0)
        }
        self.tableOffset = tableOffset
        self.tableEntries = tableEntries
        self.blockSize = blockSize
        self.parentID = parentID
        self.parentModified = parentModified
        self.parentName = parentName
        let used = Array(locators.prefix(Self.locatorCount))
        self.locators = used + Array(repeating: .unused, count: Self.locatorCount - used.count)
    }

    /// Reads a header strictly: what is accepted is written again to the byte. Whether its places lie inside the file
    /// is for ``check(_:fileSize:)``.
    /// - Throws: `.notVhd`, `.truncated`, `.checksum` or `.invalid`.
    package init(decoding bytes: [UInt8]) throws(VhdError) {
        let structure = try VhdStructure(
            bytes, called: "dynamic header", cookie: Self.cookie, byteCount: Self.byteCount,
            checksumOffset: Self.checksumOffset)
        let next = try structure.number(UInt64.self, 8)
        guard VhdFormat.noOffsets.contains(next) else {
            throw .invalid(field: "the offset of a further header", value: next)
        }
        noOffset = next
        let table = try structure.number(UInt64.self, 16)
        guard table % UInt64(VhdFormat.sectorSize) == 0, table > 0, table <= UInt64(Int64.max) / 2 else {
            throw .invalid(field: "the offset of the block table", value: table)
        }
        tableOffset = Int64(table)
        let version = try structure.number(UInt32.self, 24)
        guard version == VhdFormat.version else {
            throw .invalid(field: "the dynamic header's version", value: UInt64(version))
        }
        let entries = try structure.number(UInt32.self, 28)
        guard (1...VhdFormat.largestTable).contains(entries) else {
            throw .invalid(field: "the number of table entries", value: UInt64(entries))
        }
        tableEntries = Int(entries)
        let block = try structure.number(UInt32.self, 32)
        guard VhdFormat.blockSizes.contains(block), block.nonzeroBitCount == 1 else {
            throw .invalid(field: "the block size", value: UInt64(block))
        }
        blockSize = Int(block)
        guard let parentID = bytes.identifier(at: 40) else { throw .truncated }
        self.parentID = parentID
        parentModified = try structure.number(UInt32.self, 56)
        parentName = try Self.name(in: Array(bytes[64..<64 + Self.nameLength]))

        var locators: [VhdParentLocator] = []
        for index in 0..<Self.locatorCount {
            let start = 64 + Self.nameLength + index * VhdParentLocator.byteCount
            locators.append(try VhdParentLocator(decoding: Array(bytes[start..<start + VhdParentLocator.byteCount])))
        }
        self.locators = locators
        guard try structure.number(UInt32.self, 60) == 0, bytes[768...].allSatisfy({ $0 == 0 }) else {
            throw .invalid(field: "a reserved byte of the dynamic header", value: 1)
        }
    }

    /// Holds the header to the footer and the file it came with.
    /// - Throws: `.invalid` when the table is too short for the disk, or when it or a parent locator lies outside the
    ///   file or over the headers.
    package func check(_ footer: VhdFooter, fileSize: Int64) throws(VhdError) {
        guard let headerOffset = footer.headerOffset else {
            throw .invalid(field: "the disk type", value: UInt64(footer.diskType.rawValue))
        }
        guard Int64(tableEntries) * Int64(blockSize) >= footer.currentSize else {
            throw .invalid(field: "the number of table entries", value: UInt64(tableEntries))
        }
        let headers = headerOffset + Int64(Self.byteCount)
        func contains(_ offset: Int64, _ length: Int64) -> Bool {
            // Offsets end at half of what their type holds, and lengths are far smaller.
            offset >= Int64(VhdFooter.byteCount) && offset + length <= fileSize
                && (offset >= headers || offset + length <= headerOffset)
        }
        guard headers <= fileSize else {
            throw .invalid(field: "the offset of the dynamic header", value: UInt64(headerOffset))
        }
        guard contains(tableOffset, Int64(tableEntries) * 4) else {
            throw .invalid(field: "the offset of the block table", value: UInt64(tableOffset))
        }
        for locator in locators where locator != .unused {
            guard contains(Int64(clamping: locator.offset), Int64(locator.length)) else {
                throw .invalid(field: "the offset of a parent locator", value: locator.offset)
            }
        }
    }

    /// The header's 1,024 bytes.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.appendBigEndian(Self.cookie)
        bytes.appendBigEndian(noOffset)
        bytes.appendBigEndian(tableOffset)
        bytes.appendBigEndian(VhdFormat.version)
        bytes.appendBigEndian(UInt32(clamping: tableEntries))
        bytes.appendBigEndian(UInt32(clamping: blockSize))
        bytes.appendBigEndian(UInt32(0))  // The checksum, below.
        bytes.append(parentID)
        bytes.appendBigEndian(parentModified)
        bytes.appendBigEndian(UInt32(0))
        for unit in parentName.utf16 { bytes.appendBigEndian(unit) }
        bytes.append(contentsOf: repeatElement(0, count: 64 + Self.nameLength - bytes.count))
        for locator in locators { bytes += locator.encoded() }
        bytes.pad(toMultipleOf: Self.byteCount)
        bytes.setChecksum(at: Self.checksumOffset)
        return bytes
    }

    private static func name(in bytes: [UInt8]) throws(VhdError) -> String {
        let units = stride(from: 0, to: bytes.count, by: 2).compactMap { bytes.bigEndian(UInt16.self, at: $0) }
        let used = units.prefix { $0 != 0 }
        guard units.dropFirst(used.count).allSatisfy({ $0 == 0 }), let name = String(validating: used, as: UTF16.self)
        else { throw .invalid(field: "a character of the parent's name", value: 0) }
        return name
    }

    /// "cxsparse".
    private static let cookie: UInt64 = 0x6378_7370_6172_7365
    private static let checksumOffset = 36
    /// Bytes of the field that holds the parent's name.
    private static let nameLength = 512
}
