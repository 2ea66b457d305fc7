// SPDX-License-Identifier: Apache-2.0

/// Numbers of the VHD format (Microsoft, Virtual Hard Disk Image Format Specification, version 1.0) and the limits that
/// Hyper-V puts on them.
enum VhdFormat {
    static let sectorSize = 512
    /// Version 1.0 of the footer and of the dynamic header.
    static let version: UInt32 = 0x0001_0000
    /// An offset that leads nowhere, as nearly everybody writes it in 64 bits.
    static let noOffset = UInt64.max
    /// The specification has the number of 32 bits there, and some programs write that.
    static let noOffsets = [noOffset, UInt64(UInt32.max)]
    /// An entry of the block allocation table without a block.
    static let unusedEntry = UInt32.max
    /// 2,040 GiB, the largest disk that Hyper-V opens. Sector numbers of 32 bits would end at 2 TiB.
    static let largestDisk: Int64 = 2040 << 30
    /// Bytes in a block: what the specification and older programs use lies well inside.
    static let blockSizes: ClosedRange<UInt32> = (512 << 10)...(256 << 20)
    static let defaultBlockSize = 2 << 20
    /// What 2 TiB of the smallest blocks need: 16 MiB of table.
    static let largestTable: UInt32 = 4 << 20
    /// Bytes that a parent's path may take: far more than any path has.
    static let largestLocator = 64 << 10

    /// Ones' complement of the sum of all bytes, those of the checksum itself left out.
    static func checksum(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        var sum: UInt32 = 0
        for (index, byte) in bytes.enumerated() where !(offset..<offset + 4).contains(index) { sum &+= UInt32(byte) }
        return ~sum
    }

    /// Seconds since the beginning of 2000, UTC, for seconds since 1970; what lies outside is cut to the ends.
    static func timeStamp(_ secondsSince1970: Int64) -> UInt32 {
        UInt32(clamping: secondsSince1970.subtractingReportingOverflow(946_684_800).partialValue)
    }

    /// Bytes that the sector bitmap before a block takes: a bit a sector, in whole sectors.
    static func bitmapLength(blockSize: Int) -> Int {
        let bytes = (blockSize / sectorSize + 7) / 8
        return (bytes + sectorSize - 1) / sectorSize * sectorSize
    }
}
