// SPDX-License-Identifier: Apache-2.0

/// A fresh qcow2 overlay over a raw master: every byte it consists of, worked out without I/O.
///
/// The file holds, each beginning at a cluster: the version 3 header, the refcount table, the refcount blocks, and a
/// level-1 table of zeros that is left a hole. Nothing is allocated to the guest yet, so all reads go to the master.
package struct Qcow2Overlay: Equatable, Sendable {
    /// Bytes to be written at an offset; between such chunks the file is a hole.
    package struct Chunk: Equatable, Sendable {
        package let offset: Int64
        package let bytes: [UInt8]
    }

    package static let defaultClusterSize = 64 << 10
    /// A part of a cluster is no smaller than a sector.
    private static let smallestExtendedCluster = 16 << 10

    /// The size of the guest's disk in bytes: the master's, rounded up to whole sectors of 512 bytes as qemu does.
    package let virtualSize: Int64
    /// Absolute and canonical, at most 1,023 bytes.
    package let backingPath: String
    /// Bytes; a power of two.
    package let clusterSize: Int
    /// Whether each cluster is allocated in 32 parts, so that a small write copies less of the master.
    package let extendedL2: Bool

    private let level1Entries: Int
    private let level1Clusters: Int
    private let refcountBlocks: Int
    private let refcountTableClusters: Int

    /// - Parameters:
    ///   - masterSize: bytes, 1 or more.
    ///   - clusterSize: a power of two from 4 KiB to 2 MiB; with `extendedL2` from 16 KiB on.
    /// - Throws: `.backingPathTooLong`, `.backingPathNotAbsolute`, `.clusterSize`, or `.tooLarge` when the level-1
    ///   table would pass qemu's 32 MiB (8 TiB at 4 KiB clusters, 2 PiB at 64 KiB).
    package init(
        masterSize: Int64, backingPath: String, clusterSize: Int = Qcow2Overlay.defaultClusterSize,
        extendedL2: Bool = false
    ) throws(Qcow2Error) {
        guard clusterSize.nonzeroBitCount == 1, (4096...(2 << 20)).contains(clusterSize) else {
            throw .clusterSize(clusterSize)
        }
        guard !extendedL2 || clusterSize >= Self.smallestExtendedCluster else {
            throw .extendedClusterSize(clusterSize)
        }
        // A relative path would be taken from the overlay's folder, and a prefix such as `json:` for a protocol.
        guard backingPath.utf8.first == 0x2f, !backingPath.utf8.contains(0) else {
            throw .backingPathNotAbsolute(backingPath)
        }
        let pathLength = backingPath.utf8.count
        guard pathLength <= Qcow2Format.largestBackingPath else { throw .backingPathTooLong(bytes: pathLength) }
        guard masterSize > 0 else { throw .invalid(field: "the virtual size", value: 0) }
        let (rounded, overflow) = masterSize.addingReportingOverflow(511)
        let virtualSize = rounded / 512 * 512
        let clusterBits = UInt32(clusterSize.trailingZeroBitCount)
        guard !overflow,
            let entries = Qcow2Format.level1Entries(
                virtualSize: UInt64(virtualSize), clusterBits: clusterBits, extendedL2: extendedL2),
            entries * 8 <= Qcow2Format.largestLevel1Table
        else { throw .tooLarge(virtualSize: masterSize, clusterSize: clusterSize) }

        self.virtualSize = virtualSize
        self.backingPath = backingPath
        self.clusterSize = clusterSize
        self.extendedL2 = extendedL2
        level1Entries = Int(entries)
        let level1Clusters = (level1Entries * 8 + clusterSize - 1) / clusterSize
        self.level1Clusters = level1Clusters

        // The refcount structures count themselves, so they are enlarged until they cover everything.
        let perBlock = clusterSize / 2
        let perTable = clusterSize / 8
        var blocks = 1
        var tables = 1
        while true {
            let clusters = 1 + tables + blocks + level1Clusters
            let neededBlocks = (clusters + perBlock - 1) / perBlock
            let neededTables = (neededBlocks + perTable - 1) / perTable
            if neededBlocks <= blocks, neededTables <= tables { break }
            blocks = max(blocks, neededBlocks)
            tables = max(tables, neededTables)
        }
        refcountBlocks = blocks
        refcountTableClusters = tables
    }

    /// The file's size in bytes, holes included.
    package var fileSize: Int64 { Int64(clusterSize) * Int64(clusterCount) }

    /// What is written into an empty file of ``fileSize`` bytes.
    package func encoded() -> [Chunk] {
        let tableOffset = clusterSize
        let blocksOffset = tableOffset + refcountTableClusters * clusterSize

        var table: [UInt8] = []
        for index in 0..<refcountBlocks { table.appendBigEndian(UInt64(blocksOffset + index * clusterSize)) }
        // The refcount blocks lie side by side, so their 16-bit counts are one run: every cluster is used once.
        let counts = [UInt8]((0..<clusterCount * 2).map { UInt8($0 & 1) })
        return [
            Chunk(offset: 0, bytes: header(level1Offset: blocksOffset + refcountBlocks * clusterSize)),
            Chunk(offset: Int64(tableOffset), bytes: table),
            Chunk(offset: Int64(blocksOffset), bytes: counts),
        ]
    }

    private var clusterCount: Int { 1 + refcountTableClusters + refcountBlocks + level1Clusters }

    private func header(level1Offset: Int) -> [UInt8] {
        let path = Array(backingPath.utf8)
        var extensions: [UInt8] = []
        let format = Array("raw".utf8)
        extensions.appendBigEndian(Qcow2Format.backingFormatExtension)
        extensions.appendBigEndian(UInt32(format.count))
        extensions += format
        extensions.pad(toMultipleOf: 8)
        extensions.appendBigEndian(UInt64(0))  // The end of the extensions.

        var bytes: [UInt8] = []
        bytes.appendBigEndian(Qcow2Format.magic)
        bytes.appendBigEndian(UInt32(3))
        bytes.appendBigEndian(UInt64(Qcow2Format.writtenHeaderLength + extensions.count))
        bytes.appendBigEndian(UInt32(path.count))
        bytes.appendBigEndian(UInt32(clusterSize.trailingZeroBitCount))
        bytes.appendBigEndian(UInt64(virtualSize))
        bytes.appendBigEndian(UInt32(0))  // No encryption.
        bytes.appendBigEndian(UInt32(level1Entries))
        bytes.appendBigEndian(UInt64(level1Offset))
        bytes.appendBigEndian(UInt64(clusterSize))  // The refcount table's offset.
        bytes.appendBigEndian(UInt32(refcountTableClusters))
        bytes.appendBigEndian(UInt32(0))  // No snapshots,
        bytes.appendBigEndian(UInt64(0))  // and no table of them.
        bytes.appendBigEndian(extendedL2 ? Qcow2Format.extendedL2 : 0)  // Incompatible,
        bytes.appendBigEndian(UInt64(0))  // compatible
        bytes.appendBigEndian(UInt64(0))  // and autoclear features.
        bytes.appendBigEndian(UInt32(4))  // Refcounts of 2 to the 4th bits.
        bytes.appendBigEndian(UInt32(Qcow2Format.writtenHeaderLength))
        bytes.appendBigEndian(UInt64(0))  // Compression type: deflate, and padding.
        return bytes + extensions + path
    }
}
