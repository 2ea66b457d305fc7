// SPDX-License-Identifier: Apache-2.0

/// What a qcow2 file says of itself, read strictly and without opening anything else.
package struct Qcow2Header: Equatable, Sendable {
    /// Bytes from the file's beginning that are enough for every header qemu writes: the largest cluster.
    package static let inspectionLimit = 2 << 20

    /// 2 or 3.
    package let version: UInt32
    /// Size of the guest's disk in bytes.
    package let virtualSize: Int64
    package let clusterSize: Int
    /// The backing file as it is written in the header, or `nil` when there is none.
    package let backingPath: String?
    /// The backing file's format, or `nil` when it is not stated.
    package let backingFormat: String?
    /// Whether the guest's data lie in another file: by feature bit or by name.
    package let hasDataFile: Bool
    package let isEncrypted: Bool
    package let hasSnapshots: Bool
    /// Whether a writer marked the metadata as inconsistent.
    package let isCorrupt: Bool

    package var hasBackingFile: Bool { backingPath != nil }

    /// Reads a header.
    /// - Parameters:
    ///   - bytes: the beginning of the file, up to ``inspectionLimit`` of it.
    ///   - fileSize: the file's size; when given, the level-1 and refcount tables must lie inside the file.
    /// - Throws: `.notQcow2`, `.unsupportedVersion`, `.truncated`, `.invalid` or `.unknownFeatures`. A backing file,
    ///   data file, encryption or snapshots are stated, not thrown: see ``checkSelfContained()``.
    package static func inspect(
        _ bytes: [UInt8], fileSize: Int64? = nil
    ) throws(Qcow2Error) -> Qcow2Header {
        try Qcow2Header(parsing: bytes, fileSize: fileSize)
    }

    /// Accepts an image from outside only when it is whole in one file.
    /// - Throws: `.backingFile`, `.dataFile`, `.encrypted`, `.snapshots` or `.corrupt`.
    package func checkSelfContained() throws(Qcow2Error) {
        if hasBackingFile { throw .backingFile }
        if hasDataFile { throw .dataFile }
        if isEncrypted { throw .encrypted }
        if hasSnapshots { throw .snapshots }
        if isCorrupt { throw .corrupt }
    }

    private init(parsing bytes: [UInt8], fileSize: Int64?) throws(Qcow2Error) {
        func number<Number: FixedWidthInteger>(_ type: Number.Type, _ offset: Int) throws(Qcow2Error) -> Number {
            guard let number = bytes.bigEndian(type, at: offset) else { throw .truncated }
            return number
        }
        guard bytes.bigEndian(UInt32.self, at: 0) == Qcow2Format.magic else { throw .notQcow2 }
        version = try number(UInt32.self, 4)
        guard version == 2 || version == 3 else { throw .unsupportedVersion(version) }

        let clusterBits = try number(UInt32.self, 20)
        guard Qcow2Format.clusterBits.contains(clusterBits) else {
            throw .invalid(field: "the cluster size's exponent", value: UInt64(clusterBits))
        }
        let clusterSize = UInt64(1) << UInt64(clusterBits)
        self.clusterSize = Int(clusterSize)

        let size = try number(UInt64.self, 24)
        guard size <= UInt64(Int64.max) / 2 else { throw .invalid(field: "the virtual size", value: size) }
        virtualSize = Int64(size)

        var features: UInt64 = 0
        var headerLength = UInt32(Qcow2Format.version2HeaderLength)
        if version == 3 {
            features = try number(UInt64.self, 72)
            let refcountOrder = try number(UInt32.self, 96)
            guard refcountOrder <= 6 else { throw .invalid(field: "the refcount order", value: UInt64(refcountOrder)) }
            headerLength = try number(UInt32.self, 100)
            guard headerLength >= UInt32(Qcow2Format.version3HeaderLength), headerLength % 8 == 0,
                UInt64(headerLength) <= clusterSize
            else { throw .invalid(field: "the header's length", value: UInt64(headerLength)) }
        }
        let unknown = features & ~Qcow2Format.knownIncompatible
        guard unknown == 0 else { throw .unknownFeatures(unknown) }
        isCorrupt = features & Qcow2Format.corrupt != 0

        let compression = headerLength > 104 ? try number(UInt8.self, 104) : 0
        guard compression <= 1, (compression == 0) == (features & Qcow2Format.compressionType == 0) else {
            throw .invalid(field: "the compression type", value: UInt64(compression))
        }

        let encryption = try number(UInt32.self, 32)
        guard encryption <= 2 else { throw .invalid(field: "the encryption method", value: UInt64(encryption)) }
        hasSnapshots = try number(UInt32.self, 60) != 0

        func checkTable(_ field: String, offset: UInt64, length: UInt64) throws(Qcow2Error) {
            guard offset % clusterSize == 0, offset <= UInt64(Int64.max) / 2 else {
                throw .invalid(field: "the offset of the \(field)", value: offset)
            }
            guard length > 0, let fileSize else { return }
            guard offset > 0, offset + length <= UInt64(clamping: fileSize) else {
                throw .invalid(field: "the offset of the \(field)", value: offset)
            }
        }
        let level1Entries = UInt64(try number(UInt32.self, 36))
        let extended = features & Qcow2Format.extendedL2 != 0
        guard level1Entries * 8 <= Qcow2Format.largestLevel1Table,
            let needed = Qcow2Format.level1Entries(
                virtualSize: size, clusterBits: clusterBits, extendedL2: extended),
            level1Entries >= needed
        else { throw .invalid(field: "the number of level-1 entries", value: level1Entries) }
        try checkTable("level-1 table", offset: try number(UInt64.self, 40), length: level1Entries * 8)

        let refcountClusters = UInt64(try number(UInt32.self, 56))
        guard refcountClusters > 0, refcountClusters * clusterSize <= Qcow2Format.largestRefcountTable else {
            throw .invalid(field: "the number of refcount table clusters", value: refcountClusters)
        }
        try checkTable(
            "refcount table", offset: try number(UInt64.self, 48), length: refcountClusters * clusterSize)

        let backingOffset = try number(UInt64.self, 8)
        let backingLength = try number(UInt32.self, 16)
        var extensionsEnd = clusterSize
        if backingOffset != 0 {
            guard backingLength <= UInt32(Qcow2Format.largestBackingPath) else {
                throw .invalid(field: "the length of the backing file's name", value: UInt64(backingLength))
            }
            guard backingOffset >= UInt64(headerLength), backingOffset <= clusterSize,
                backingOffset + UInt64(backingLength) <= clusterSize
            else { throw .invalid(field: "the offset of the backing file's name", value: backingOffset) }
            let end = Int(backingOffset) + Int(backingLength)
            guard end <= bytes.count else { throw .truncated }
            let name = bytes[Int(backingOffset)..<end]
            guard let text = String(validating: name, as: UTF8.self), !name.contains(0) else {
                throw .invalid(field: "a byte of the backing file's name", value: backingOffset)
            }
            // A name of no bytes still announces a backing file, and qemu's own reading of it has varied.
            backingPath = text
            extensionsEnd = backingOffset
        } else {
            guard backingLength == 0 else {
                throw .invalid(field: "the length of the backing file's name", value: UInt64(backingLength))
            }
            backingPath = nil
        }

        var backingFormat: String?
        var hasEncryptionHeader = false
        var namesDataFile = features & Qcow2Format.dataFile != 0
        var offset = Int(headerLength)
        while offset + 8 <= Int(extensionsEnd) {
            let type = try number(UInt32.self, offset)
            let length = try number(UInt32.self, offset + 4)
            if type == 0 { break }
            let start = offset + 8
            guard UInt64(start) + UInt64(length) <= extensionsEnd else {
                throw .invalid(field: "the length of a header extension", value: UInt64(length))
            }
            let end = start + Int(length)
            guard end <= bytes.count else { throw .truncated }
            switch type {
            case Qcow2Format.backingFormatExtension: backingFormat = String(decoding: bytes[start..<end], as: UTF8.self)
            case Qcow2Format.dataFileExtension: namesDataFile = true
            case Qcow2Format.encryptionExtension: hasEncryptionHeader = true
            case Qcow2Format.bitmapsExtension:
                let (count, size) = (try number(UInt32.self, start), try number(UInt64.self, start + 8))
                guard length == 24, (1...65535).contains(count), size <= Qcow2Format.largestBitmapDirectory else {
                    throw .invalid(field: "the number of bitmaps", value: UInt64(count))
                }
                try checkTable("bitmap directory", offset: try number(UInt64.self, start + 16), length: size)
            default: break  // The specification lets a reader pass over extensions that it does not know.
            }
            offset = (end + 7) / 8 * 8
        }
        self.backingFormat = backingFormat
        hasDataFile = namesDataFile
        isEncrypted = encryption != 0 || hasEncryptionHeader
    }
}
