// SPDX-License-Identifier: Apache-2.0

/// The header of a VirtualBox disk image.
package enum VdiHeader {
    private static let byteCount = 512
    private static let signature: UInt32 = 0xbeda_107f

    /// Checks a VDI from outside: a disk of its own (dynamic or static), whole in this file.
    /// - Returns: the size of its disk in bytes.
    /// - Throws: ``ImageRefusal``, or what the reader throws.
    package static func check(_ image: ForeignImage) throws -> UInt64 {
        try check(header: image.beginning(byteCount), in: image)
    }

    private static func check(header bytes: [UInt8], in image: ForeignImage) throws(ImageRefusal) -> UInt64 {
        guard bytes.littleEndian(UInt32.self, at: 64) == signature else { throw .notOfFormat(.vdi) }
        guard bytes.count == byteCount else { throw .truncated(.vdi) }
        func number(_ offset: Int) throws(ImageRefusal) -> UInt64 {
            guard let number = bytes.littleEndian(UInt32.self, at: offset) else { throw .truncated(.vdi) }
            return UInt64(number)  // checked: it widens
        }
        func expect(_ isRight: Bool, _ field: String, _ value: UInt64) throws(ImageRefusal) {
            if !isRight { throw .invalid(.vdi, field: field, value: value) }
        }
        let version = try number(68)
        guard version == 0x1_0001 else { throw .unknown(.vdi, feature: "version \(version >> 16).\(version & 0xffff)") }
        let type = try number(76)
        guard type == 1 || type == 2 else {
            // A differencing disk or one that is undone at the end of a session.
            if type == 3 || type == 4 { throw .parent(.vdi) }
            throw .unknown(.vdi, feature: "image type \(type)")
        }
        // The last snapshot of the parent, and the parent.
        guard bytes.dropFirst(424).prefix(32).allSatisfy({ $0 == 0 }) else { throw .parent(.vdi) }

        let (table, data, sector) = (try number(340), try number(344), try number(360))
        try expect(sector == 512, "the sector size", sector)
        guard let size = bytes.littleEndian(UInt64.self, at: 368) else { throw .truncated(.vdi) }
        try expect(size > 0 && size <= ForeignImage.largestDisk && size % 512 == 0, "the disk's size", size)
        let (block, extra) = (try number(376), try number(380))
        try expect(block == 1 << 20, "the block size", block)
        try expect(extra == 0, "the space before a block", extra)
        let (blocks, allocated) = (try number(384), try number(388))
        // checked: neither the disk nor the number of blocks may be so large that these overflow
        try expect(blocks == (size + block - 1) / block, "the number of blocks", blocks)
        try expect(allocated <= blocks, "the number of allocated blocks", allocated)
        let (tableEnd, length) = (table + blocks * 4, allocated * block)
        try expect(table % 512 == 0 && table >= 512, "the offset of the block table", table)
        try expect(data % 512 == 0 && data >= tableEnd, "the offset of the blocks", data)
        try expect(image.contains(data, length), "the number of allocated blocks", allocated)
        return size
    }
}
