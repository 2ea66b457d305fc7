// SPDX-License-Identifier: Apache-2.0

/// The block allocation table of a dynamic or differencing VHD: where each block of the disk lies in the file. A block
/// is a sector bitmap and the block's bytes; in a differencing disk a set bit says that the sector is not the parent's.
package struct VhdBlockTable: Equatable, Sendable {
    /// The first sector of each block, or ``VhdFormat/unusedEntry``.
    private var entries: [UInt32]
    package let blockSize: Int

    /// A table without blocks.
    package init(disk size: Int64, blockSize: Int) {
        let blocks = (size + Int64(blockSize) - 1) / Int64(blockSize)
        entries = Array(repeating: VhdFormat.unusedEntry, count: Int(blocks))
        self.blockSize = blockSize
    }

    /// Reads a table: no block lies outside the file, over a header, the table or a parent locator, or over another.
    /// - Parameters:
    ///   - bytes: four for each entry, no more.
    ///   - header: one that ``VhdDynamicHeader/check(_:fileSize:)`` has accepted for the same footer and file.
    /// - Throws: `.truncated` or `.invalid`.
    package init(
        decoding bytes: [UInt8], header: VhdDynamicHeader, footer: VhdFooter, fileSize: Int64
    ) throws(VhdError) {
        guard bytes.count == header.tableEntries * 4 else { throw .truncated }
        blockSize = header.blockSize
        entries = stride(from: 0, to: bytes.count, by: 4).compactMap { bytes.bigEndian(UInt32.self, at: $0) }

        let headerOffset = footer.headerOffset ?? 0
        var taken = [
            0..<Int64(VhdFooter.byteCount), headerOffset..<headerOffset + Int64(VhdDynamicHeader.byteCount),
            header.tableOffset..<header.tableOffset + Int64(bytes.count),
        ]
        for locator in header.locators where locator != .unused {
            let start = Int64(clamping: locator.offset)
            taken.append(start..<start + Int64(locator.length))
        }
        let length = Int64(VhdFormat.bitmapLength(blockSize: blockSize) + blockSize)
        for entry in entries where entry != VhdFormat.unusedEntry {
            let start = Int64(entry) * Int64(VhdFormat.sectorSize)
            guard start + length <= fileSize else {
                throw .invalid(field: "the place of a block", value: UInt64(entry))
            }
            taken.append(start..<start + length)
        }
        taken.sort { $0.lowerBound < $1.lowerBound }
        for (left, right) in zip(taken, taken.dropFirst()) where left.upperBound > right.lowerBound {
            throw .invalid(
                field: "the place of a block", value: UInt64(right.lowerBound / Int64(VhdFormat.sectorSize)))
        }
    }

    package var count: Int { entries.count }

    /// Where the bitmap of a block lies in the file, or `nil` when all of the block is the parent's.
    package func offset(ofBlock index: Int) -> Int64? {
        guard entries.indices.contains(index), entries[index] != VhdFormat.unusedEntry else { return nil }
        return Int64(entries[index]) * Int64(VhdFormat.sectorSize)
    }

    /// The table's bytes, filled up to whole sectors as entries without blocks are.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        let sector = VhdFormat.sectorSize
        let length = (entries.count * 4 + sector - 1) / sector * sector
        bytes.reserveCapacity(length)
        for entry in entries { bytes.appendBigEndian(entry) }
        bytes.append(contentsOf: repeatElement(0xff, count: length - bytes.count))
        return bytes
    }
}
