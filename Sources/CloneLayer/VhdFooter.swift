// SPDX-License-Identifier: Apache-2.0

/// The footer of a VHD, which says what the file is. It is the last sector of every VHD, and the first one as well of
/// those that are not fixed.
package struct VhdFooter: Equatable, Sendable {
    package static let byteCount = 512
    /// "drvr", in the field that says which program made a VHD.
    package static let droversCreator: UInt32 = 0x6472_7672

    package enum DiskType: UInt32, Sendable {
        /// The disk's bytes as they are, then the footer.
        case fixed = 2
        case dynamic = 3
        /// Blocks over a parent.
        case differencing = 4
    }

    package var diskType: DiskType
    /// The size of the guest's disk in bytes: a multiple of 512, up to 2,040 GiB.
    package var currentSize: Int64
    /// The size in bytes that it was made with.
    package var originalSize: Int64
    package var geometry: VhdGeometry
    package var uniqueID: VhdIdentifier
    /// Where the dynamic header lies; `nil` for a fixed disk.
    package var headerOffset: Int64?
    /// How a fixed disk says that it has no header.
    private(set) var noOffset = VhdFormat.noOffset
    /// When it was made, in seconds since 2000.
    package var created: UInt32
    package var creator: UInt32 = VhdFooter.droversCreator
    package var creatorVersion: UInt32 = VhdFormat.version
    /// "Wi2k": of the two that the specification knows, the one that every reader takes.
    package var creatorSystem: UInt32 = 0x5769_326b
    /// Whether the disk may be thrown away on shutdown.
    package var isTemporary = false
    /// Whether a machine's memory was saved with it.
    package var isSaved = false
    /// Xen's mark, in a reserved byte, of a parent that is not shown.
    package var isHidden = false

    /// The footer of a new disk.
    /// - Throws: `.oddSize` or `.tooLarge`.
    package init(
        _ diskType: DiskType, size: Int64, uniqueID: VhdIdentifier, created: UInt32
    ) throws(VhdError) {
        guard size > 0, size % Int64(VhdFormat.sectorSize) == 0 else { throw .oddSize(size) }
        guard size <= VhdFormat.largestDisk else { throw .tooLarge(size) }
        self.diskType = diskType
        currentSize = size
        originalSize = size
        geometry = VhdGeometry(diskOf: size)
        self.uniqueID = uniqueID
        headerOffset = diskType == .fixed ? nil : Int64(VhdFooter.byteCount)
        self.created = created
    }

    /// Reads a footer strictly: what is accepted is written again to the byte.
    /// - Throws: `.notVhd`, `.truncated`, `.checksum` or `.invalid`.
    package init(decoding bytes: [UInt8]) throws(VhdError) {
        let structure = try VhdStructure(
            bytes, called: "footer", cookie: Self.cookie, byteCount: Self.byteCount, checksumOffset: Self.checksumOffset
        )
        let features = try structure.number(UInt32.self, 8)
        guard features | 1 == Self.reservedFeature | 1 else {
            throw .invalid(field: "the footer's features", value: UInt64(features))
        }
        isTemporary = features & 1 != 0
        let version = try structure.number(UInt32.self, 12)
        guard version == VhdFormat.version else { throw .invalid(field: "the version", value: UInt64(version)) }

        let type = try structure.number(UInt32.self, 60)
        guard let diskType = DiskType(rawValue: type) else {
            throw .invalid(field: "the disk type", value: UInt64(type))
        }
        self.diskType = diskType
        let offset = try structure.number(UInt64.self, 16)
        if diskType == .fixed {
            guard VhdFormat.noOffsets.contains(offset) else {
                throw .invalid(field: "a fixed disk's offset", value: offset)
            }
            headerOffset = nil
            noOffset = offset
        } else {
            guard offset >= UInt64(Self.byteCount), offset % UInt64(VhdFormat.sectorSize) == 0,
                offset <= UInt64(Int64.max) / 2
            else { throw .invalid(field: "the offset of the dynamic header", value: offset) }
            headerOffset = Int64(offset)
        }
        created = try structure.number(UInt32.self, 24)
        creator = try structure.number(UInt32.self, 28)
        creatorVersion = try structure.number(UInt32.self, 32)
        creatorSystem = try structure.number(UInt32.self, 36)

        func size(_ field: String, _ offset: Int) throws(VhdError) -> Int64 {
            let size = try structure.number(UInt64.self, offset)
            guard size > 0, size % UInt64(VhdFormat.sectorSize) == 0, size <= UInt64(VhdFormat.largestDisk) else {
                throw .invalid(field: field, value: size)
            }
            return Int64(size)
        }
        originalSize = try size("the original size", 40)
        currentSize = try size("the current size", 48)
        geometry = VhdGeometry(
            cylinders: try structure.number(UInt16.self, 56), heads: try structure.number(UInt8.self, 58),
            sectorsPerTrack: try structure.number(UInt8.self, 59))
        guard let uniqueID = bytes.identifier(at: 68) else { throw .truncated }
        self.uniqueID = uniqueID

        func flag(_ field: String, _ offset: Int) throws(VhdError) -> Bool {
            let flag = try structure.number(UInt8.self, offset)
            guard flag <= 1 else { throw .invalid(field: field, value: UInt64(flag)) }
            return flag == 1
        }
        isSaved = try flag("the saved state", 84)
        isHidden = try flag("the mark of a hidden disk", 85)
        guard bytes[86...].allSatisfy({ $0 == 0 }) else {
            throw .invalid(field: "a reserved byte of the footer", value: 1)
        }
    }

    /// The footer's 512 bytes.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.appendBigEndian(Self.cookie)
        bytes.appendBigEndian(Self.reservedFeature | (isTemporary ? 1 : 0))
        bytes.appendBigEndian(VhdFormat.version)
        bytes.appendBigEndian(headerOffset.map { UInt64(bitPattern: $0) } ?? noOffset)
        bytes.appendBigEndian(created)
        bytes.appendBigEndian(creator)
        bytes.appendBigEndian(creatorVersion)
        bytes.appendBigEndian(creatorSystem)
        bytes.appendBigEndian(originalSize)
        bytes.appendBigEndian(currentSize)
        bytes.appendBigEndian(geometry.cylinders)
        bytes.appendBigEndian(geometry.heads)
        bytes.appendBigEndian(geometry.sectorsPerTrack)
        bytes.appendBigEndian(diskType.rawValue)
        bytes.appendBigEndian(UInt32(0))  // The checksum, below.
        bytes.append(uniqueID)
        bytes.appendBigEndian(UInt8(isSaved ? 1 : 0))
        bytes.appendBigEndian(UInt8(isHidden ? 1 : 0))
        bytes.pad(toMultipleOf: Self.byteCount)
        bytes.setChecksum(at: Self.checksumOffset)
        return bytes
    }

    /// "conectix".
    private static let cookie: UInt64 = 0x636f_6e65_6374_6978
    /// A feature bit that is always set.
    private static let reservedFeature: UInt32 = 2
    private static let checksumOffset = 64
}

extension Array<UInt8> {
    /// Works out the checksum of a whole structure of a VHD and puts it in its place.
    mutating func setChecksum(at offset: Int) {
        let checksum = VhdFormat.checksum(self, at: offset)
        for index in 0..<4 { self[offset + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(24 - 8 * index)) }
    }
}
