// SPDX-License-Identifier: Apache-2.0

/// What the metadata of a VHDX say of its disk (MS-VHDX).
struct VhdxMetadata: Equatable {
    /// In bytes.
    let diskSize: UInt64
    let blockTableEntries: UInt64

    /// - Parameters:
    ///   - table: the metadata table, 64 KiB at the region's beginning.
    ///   - region: one that lies inside the file.
    /// - Throws: ``ImageRefusal``, or what the reader throws.
    init(table: [UInt8], region: VhdxHeader.Region, in image: ForeignImage) throws {
        let items = try Self.items(table)
        if items[.parentLocator] != nil { throw ImageRefusal.parent(.vhdx) }
        func value(_ id: VhdxGUID, _ field: String, count: Int) throws -> [UInt8] {
            guard let item = items[id], item.length == count else {
                throw ImageRefusal.invalid(.vhdx, field: "the length of \(field)", value: items[id]?.length ?? 0)
            }
            // checked: both lie inside the file, and an item's offset takes 32 bits
            guard item.offset + item.length <= region.length,
                let bytes = try image.bytes(at: region.offset + item.offset, count: count)
            else { throw ImageRefusal.invalid(.vhdx, field: "the offset of \(field)", value: item.offset) }

            return bytes
        }
        func number(_ id: VhdxGUID, _ field: String) throws -> UInt64 {
            // checked: it widens
            UInt64(try value(id, field, count: 4).littleEndian(UInt32.self, at: 0) ?? 0)
        }
        let parameters = try value(.fileParameters, "the file parameters", count: 8)
        let flags = parameters.littleEndian(UInt32.self, at: 4) ?? 0
        if flags & 2 != 0 { throw ImageRefusal.parent(.vhdx) }
        guard flags & ~3 == 0 else { throw ImageRefusal.unknown(.vhdx, feature: "file parameters") }
        let blockSize = UInt64(parameters.littleEndian(UInt32.self, at: 0) ?? 0)  // checked: it widens
        guard (1 << 20...256 << 20).contains(blockSize), blockSize.nonzeroBitCount == 1 else {
            throw ImageRefusal.invalid(.vhdx, field: "the block size", value: blockSize)
        }
        let sector = try number(.logicalSectorSize, "the logical sector size")
        guard sector == 512 || sector == 4096 else {
            throw ImageRefusal.invalid(.vhdx, field: "the logical sector size", value: sector)
        }
        let physical = try number(.physicalSectorSize, "the physical sector size")
        guard physical == 512 || physical == 4096 else {
            throw ImageRefusal.invalid(.vhdx, field: "the physical sector size", value: physical)
        }
        let size = try value(.diskSize, "the disk's size", count: 8).littleEndian(UInt64.self, at: 0) ?? 0
        // checked: a sector is 512 or 4096 bytes
        guard size > 0, size <= ForeignImage.largestDisk, size % sector == 0 else {
            throw ImageRefusal.invalid(.vhdx, field: "the disk's size", value: size)
        }

        diskSize = size
        // An entry for each block, and one more for each run of them whose sector bitmaps share a block.
        // checked: blocks have 1 MiB or more, so that there are fewer than 2^27, and runs have 16 or more of them
        let blocks = (size + blockSize - 1) / blockSize
        let run = (1 << 23) * sector / blockSize
        blockTableEntries = blocks + (blocks - 1) / run
    }

    private struct Item: Equatable {
        let offset: UInt64
        let length: UInt64
    }

    private static func items(_ table: [UInt8]) throws(ImageRefusal) -> [VhdxGUID: Item] {
        guard table.holds("metadata".utf8), let count = table.littleEndian(UInt16.self, at: 10) else {
            throw .invalid(.vhdx, field: "the metadata's signature", value: 0)
        }
        guard count <= largestCount else {
            throw .invalid(.vhdx, field: "the number of metadata", value: UInt64(count))  // checked: it widens
        }
        var items: [VhdxGUID: Item] = [:]
        for index in 0..<Int(count) {  // checked: it widens
            let start = 32 + index * 32
            guard let id = VhdxGUID(table, at: start), let offset = table.littleEndian(UInt32.self, at: start + 16),
                let length = table.littleEndian(UInt32.self, at: start + 20),
                let flags = table.littleEndian(UInt32.self, at: start + 24)
            else { throw .truncated(.vhdx) }
            let isUsers = flags & 1 != 0
            guard !isUsers else { continue }
            guard VhdxGUID.knownItems.contains(id) || flags & 4 == 0 else {
                throw .unknown(.vhdx, feature: "an item of its metadata")
            }
            guard length <= largestItem, offset >= VhdxHeader.tableLength || length == 0 else {
                throw .invalid(.vhdx, field: "the offset of an item", value: UInt64(offset))  // checked: it widens
            }
            // checked: both widen
            guard items.updateValue(Item(offset: UInt64(offset), length: UInt64(length)), forKey: id) == nil else {
                throw .invalid(.vhdx, field: "an item that is there twice, at", value: UInt64(offset))
            }
        }
        return items
    }

    private static let largestCount: UInt16 = 2047
    private static let largestItem: UInt32 = 1 << 20
}
