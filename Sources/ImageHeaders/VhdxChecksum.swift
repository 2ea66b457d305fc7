// SPDX-License-Identifier: Apache-2.0

/// CRC-32C (Castagnoli), by which a VHDX protects its headers and tables.
package enum VhdxChecksum {
    /// Where the checksum stands in a structure; it counts as four zeros.
    package static let place = 4..<8

    /// The checksum of a structure.
    package static func of(_ structure: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for (index, byte) in structure.enumerated() {
            let byte = place.contains(index) ? 0 : byte
            let index = Int((crc ^ UInt32(byte)) & 0xff)  // checked: it widens, and there are 256 entries
            crc = crc >> 8 ^ table[index]  // checked: see above
        }
        return ~crc
    }

    private static let table: [UInt32] = (0..<256).map { (byte: UInt32) in
        (0..<8).reduce(byte) { crc, _ in crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82f6_3b78 }
    }
}

extension Array<UInt8> {
    /// Whether the checksum in these bytes of a VHDX fits them.
    var hasVhdxChecksum: Bool {
        littleEndian(UInt32.self, at: VhdxChecksum.place.lowerBound) == VhdxChecksum.of(self)
    }
}
