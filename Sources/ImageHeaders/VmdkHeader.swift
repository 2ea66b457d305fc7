// SPDX-License-Identifier: Apache-2.0

/// The header of a sparse extent (VMware, Virtual Disk Format 5.0), which a VMDK in one file begins with.
package struct VmdkHeader: Equatable, Sendable {
    static let byteCount = 512
    static let sectorSize: UInt64 = 512
    /// "KDMV".
    static let magic: [UInt8] = [0x4b, 0x44, 0x4d, 0x56]

    /// The size of the guest's disk in sectors.
    package let capacity: UInt64
    /// Sectors in one grain.
    let grainSize: UInt64
    let descriptorSize: UInt64
    let isCompressed: Bool
    /// In sectors; `nil` when it is found by a second header at the end of the file.
    let directoryOffset: UInt64?
    private let redundantDirectoryOffset: UInt64?
    private let overhead: UInt64

    /// Checks a VMDK from outside: a disk that is whole in this file (monolithicSparse, streamOptimized).
    /// - Returns: the size of its disk in bytes.
    /// - Throws: ``ImageRefusal``, or what the reader throws.
    package static func check(_ image: ForeignImage) throws -> UInt64 {
        let header = try VmdkHeader(decoding: image.beginning(byteCount))
        // The tables come after what streams can know when they begin: the header at the end says where they are.
        let last = try header.directoryOffset == nil ? header.footer(of: image) : header
        try last.checkPlaces(in: image)
        // qemu reads this many bytes from the second sector on, whatever the header says of the descriptor.
        guard let text = try image.bytes(at: sectorSize, count: VmdkDescriptor.byteLimit) else {
            throw ImageRefusal.truncated(.vmdk)
        }
        let room = Int(clamping: header.descriptorSize * sectorSize)  // checked: of up to 2,048 sectors
        try VmdkDescriptor(decoding: text, room: room).check(header)
        return header.capacity * sectorSize  // checked: at most the largest disk
    }

    /// - Throws: ``ImageRefusal``
    init(decoding bytes: [UInt8]) throws(ImageRefusal) {
        // What names its files in a text, or is of ESX's older kind, is a VMDK too, and none of those that are read here.
        if bytes.holds(Array("# Disk DescriptorFile".utf8)) {
            throw .otherFile(.vmdk, named: "its extents, in a descriptor of its own")
        }
        if bytes.holds(Array("COWD".utf8)) { throw .unknown(.vmdk, feature: "the kind COWD") }
        guard bytes.holds(Self.magic) else { throw .notOfFormat(.vmdk) }
        func number<Number: FixedWidthInteger>(_ type: Number.Type, _ offset: Int) throws(ImageRefusal) -> Number {
            guard let number = bytes.littleEndian(type, at: offset) else { throw .truncated(.vmdk) }
            return number
        }
        func invalid(_ field: String, _ value: some BinaryInteger) -> ImageRefusal {
            .invalid(.vmdk, field: field, value: UInt64(clamping: value))
        }
        guard bytes.count == Self.byteCount else { throw .truncated(.vmdk) }
        let version = try number(UInt32.self, 4)
        guard (1...3).contains(version) else { throw .unknown(.vmdk, feature: "version \(version)") }
        let flags = try number(UInt32.self, 8)
        guard flags & ~Self.knownFlags == 0 else {
            throw .unknown(.vmdk, feature: "flags \(flags & ~Self.knownFlags)")
        }
        guard flags & Self.hasNewlines == 0 || bytes.holds([0x0a, 0x20, 0x0d, 0x0a], at: 73) else {
            throw invalid("a line end, which copying as text has changed,", try number(UInt8.self, 73))
        }

        capacity = try number(UInt64.self, 12)
        // A header of a disk without sectors makes qemu take the extents from the descriptor, other files that is.
        guard capacity > 0, capacity <= ForeignImage.largestDisk / Self.sectorSize else {
            throw invalid("the number of sectors", capacity)
        }
        grainSize = try number(UInt64.self, 20)
        guard (8...32768).contains(grainSize), grainSize.nonzeroBitCount == 1 else {
            throw invalid("the grain size", grainSize)
        }
        let entries = try number(UInt32.self, 44)
        guard entries == Self.entriesInTable else { throw invalid("the number of entries in a grain table", entries) }

        let descriptorOffset = try number(UInt64.self, 28)
        guard descriptorOffset == 1 else { throw invalid("the offset of the descriptor", descriptorOffset) }
        descriptorSize = try number(UInt64.self, 36)
        guard (1...2048).contains(descriptorSize) else { throw invalid("the size of the descriptor", descriptorSize) }

        let algorithm = try number(UInt16.self, 77)
        guard algorithm <= 1 else { throw .unknown(.vmdk, feature: "compression \(algorithm)") }
        isCompressed = flags & Self.compressed != 0
        guard isCompressed == (algorithm == 1), isCompressed || flags & Self.hasMarkers == 0 else {
            throw invalid("the compression, which does not fit the flags,", algorithm)
        }

        let directory = try number(UInt64.self, 56)
        directoryOffset = directory == UInt64.max ? nil : directory
        let redundant = try number(UInt64.self, 48)
        redundantDirectoryOffset = flags & Self.isRedundant != 0 ? redundant : nil
        overhead = try number(UInt64.self, 64)
    }

    /// The header at the end of a stream, which must describe the same disk.
    private func footer(of image: ForeignImage) throws -> VmdkHeader {
        let sector = Self.byteCount
        let size = UInt64(clamping: image.size)
        let length = UInt64(clamping: 3 * sector)
        guard size % Self.sectorSize == 0, size >= length,
            let end = try image.bytes(at: size - length, count: 3 * sector)  // checked: compared above
        else { throw ImageRefusal.truncated(.vmdk) }
        // A marker, the header, and a marker of the end, which is all zeros.
        guard end.holds([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]), end.suffix(sector).allSatisfy({ $0 == 0 })
        else { throw ImageRefusal.invalid(.vmdk, field: "a marker at the end", value: size) }
        let footer = try VmdkHeader(decoding: Array(end.dropFirst(sector).prefix(sector)))
        guard footer.capacity == capacity, footer.grainSize == grainSize, footer.descriptorSize == descriptorSize,
            footer.isCompressed == isCompressed, footer.directoryOffset != nil
        else { throw ImageRefusal.invalid(.vmdk, field: "the second header, unlike the first,", value: size) }
        return footer
    }

    /// Makes sure that what the header names lies inside the file.
    private func checkPlaces(in image: ForeignImage) throws(ImageRefusal) {
        // checked: neither the disk nor the grain may be so large that these overflow, and a grain is not zero
        let perTable = grainSize * Self.entriesInTable
        let tables = (capacity + perTable - 1) / perTable
        func isInside(_ sector: UInt64, _ length: UInt64) -> Bool {
            let (offset, overflow) = sector.multipliedReportingOverflow(by: Self.sectorSize)
            return !overflow && image.contains(offset, length)
        }
        for (field, offset) in [("directory", directoryOffset), ("redundant directory", redundantDirectoryOffset)] {
            guard let offset else { continue }
            guard offset > descriptorSize, isInside(offset, tables * 4) else {  // checked: up to 2^24 tables
                throw .invalid(.vmdk, field: "the offset of the \(field) of grain tables", value: offset)
            }
        }
        guard isInside(overhead, 0) else { throw .invalid(.vmdk, field: "the size of the headers", value: overhead) }
    }

    private static let hasNewlines: UInt32 = 1 << 0
    private static let isRedundant: UInt32 = 1 << 1
    private static let hasZeroGrains: UInt32 = 1 << 2
    private static let compressed: UInt32 = 1 << 16
    private static let hasMarkers: UInt32 = 1 << 17
    private static let knownFlags = hasNewlines | isRedundant | hasZeroGrains | compressed | hasMarkers
    private static let entriesInTable: UInt64 = 512
}
