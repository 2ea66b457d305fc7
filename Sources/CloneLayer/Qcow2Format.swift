// SPDX-License-Identifier: Apache-2.0

/// Numbers of the qcow2 format (QEMU, docs/interop/qcow2.txt) and the limits that qemu puts on them.
enum Qcow2Format {
    /// "QFI" and 0xfb.
    static let magic: UInt32 = 0x5146_49fb
    static let backingFormatExtension: UInt32 = 0xe279_2aca
    static let dataFileExtension: UInt32 = 0x4441_5441
    static let encryptionExtension: UInt32 = 0x0537_be77
    static let bitmapsExtension: UInt32 = 0x2385_2875
    static let version2HeaderLength = 72
    static let version3HeaderLength = 104
    /// With the compression type and its padding, as qemu 5.1 and later write it.
    static let writtenHeaderLength = 112
    static let largestBackingPath = 1023
    static let largestLevel1Table: UInt64 = 32 << 20
    static let largestRefcountTable: UInt64 = 8 << 20
    static let largestBitmapDirectory: UInt64 = 64 << 20
    static let clusterBits: ClosedRange<UInt32> = 9...21

    static let dirty: UInt64 = 1 << 0
    static let corrupt: UInt64 = 1 << 1
    static let dataFile: UInt64 = 1 << 2
    static let compressionType: UInt64 = 1 << 3
    static let extendedL2: UInt64 = 1 << 4
    static let knownIncompatible = dirty | corrupt | dataFile | compressionType | extendedL2

    /// The entries a level-1 table needs, or `nil` when the arithmetic leaves 64 bits.
    static func level1Entries(virtualSize: UInt64, clusterBits: UInt32, extendedL2: Bool) -> UInt64? {
        // One level-2 table fills a cluster with entries of 8 bytes, or 16 when they carry a subcluster bitmap.
        let coverage = UInt64(1) << UInt64(2 * clusterBits - (extendedL2 ? 4 : 3))
        let (sum, overflow) = virtualSize.addingReportingOverflow(coverage - 1)
        return overflow ? nil : sum / coverage
    }
}

extension Array<UInt8> {
    /// The big-endian number at `offset`, or `nil` when the bytes end before it does.
    func bigEndian<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number? {
        let width = Number.bitWidth / 8
        guard offset >= 0, offset <= count - width else { return nil }
        return self[offset..<offset + width].reduce(0) { $0 << 8 | Number($1) }
    }

    /// Puts a number at the end, most significant byte first.
    mutating func appendBigEndian<Number: FixedWidthInteger>(_ number: Number) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }

    /// Puts zero bytes at the end until the count is a multiple of `unit`.
    mutating func pad(toMultipleOf unit: Int) {
        append(contentsOf: repeatElement(0, count: (unit - count % unit) % unit))
    }
}
