// SPDX-License-Identifier: Apache-2.0

/// The header section of a VHDX (MS-VHDX): which of the two headers counts, whether the log is empty, and where the
/// regions lie.
package struct VhdxHeader: Equatable, Sendable {
    /// The headers and the region tables lie in the first MiB.
    static let byteCount = 1 << 20
    static let tableLength = 64 << 10

    struct Region: Equatable, Sendable {
        let offset: UInt64
        let length: UInt64
    }

    private let log: Region
    private(set) var blockTable = Region(offset: 0, length: 0)
    private(set) var metadata = Region(offset: 0, length: 0)

    /// Checks a VHDX from outside: closed, without a parent, whole in this file.
    /// - Returns: the size of its disk in bytes.
    /// - Throws: ``ImageRefusal``, or what the reader throws.
    package static func check(_ image: ForeignImage) throws -> UInt64 {
        let header = try VhdxHeader(decoding: image.beginning(byteCount), in: image)
        guard let table = try image.bytes(at: header.metadata.offset, count: tableLength) else {
            throw ImageRefusal.truncated(.vhdx)
        }
        let metadata = try VhdxMetadata(table: table, region: header.metadata, in: image)
        let needed = metadata.blockTableEntries * 8  // checked: at most 2^27 entries
        guard needed <= header.blockTable.length else {
            throw ImageRefusal.invalid(
                .vhdx, field: "the length of the block table", value: header.blockTable.length)
        }
        return metadata.diskSize
    }

    /// - Throws: ``ImageRefusal``
    init(decoding bytes: [UInt8], in image: ForeignImage) throws(ImageRefusal) {
        guard bytes.holds("vhdxfile".utf8) else { throw .notOfFormat(.vhdx) }
        guard bytes.count == Self.byteCount else { throw .truncated(.vhdx) }
        let headers = [64 << 10, 128 << 10].compactMap { Self.header(Array(bytes.dropFirst($0).prefix(4096))) }
        guard let newest = headers.max(by: { $0.sequence < $1.sequence }) else { throw .checksum(.vhdx, of: "headers") }
        // Of two with the same number one reader would take the first and the next the second.
        guard headers.count < 2 || headers.first?.sequence != headers.last?.sequence || headers.first == headers.last
        else { throw .invalid(.vhdx, field: "the number of both headers", value: newest.sequence) }
        guard newest.version == 1, newest.logVersion == 0 else {
            throw .unknown(.vhdx, feature: "version \(newest.version), log version \(newest.logVersion)")
        }
        guard newest.hasEmptyLog else { throw .unfinished(.vhdx) }
        log = newest.log
        try readRegions(bytes, in: image)
    }

    private mutating func readRegions(_ bytes: [UInt8], in image: ForeignImage) throws(ImageRefusal) {
        let table = Array(bytes.dropFirst(192 << 10).prefix(Self.tableLength))
        guard table.holds(bytes.dropFirst(256 << 10).prefix(Self.tableLength)) else {
            throw .invalid(.vhdx, field: "the second region table, unlike the first,", value: 1)
        }
        guard table.holds("regi".utf8), table.hasVhdxChecksum else { throw .checksum(.vhdx, of: "region table") }
        guard let count = table.littleEndian(UInt32.self, at: 8), count <= Self.largestCount else {
            throw .invalid(.vhdx, field: "the number of regions", value: table.littleEndian(UInt64.self, at: 8) ?? 0)
        }
        var regions: [VhdxGUID: Region] = [:]
        // A file that was just made may have no room for a log yet.
        var taken = log.length > 0 ? [log] : []
        for index in 0..<Int(clamping: count) {
            let start = 16 + index * 32
            guard let id = VhdxGUID(table, at: start), let offset = table.littleEndian(UInt64.self, at: start + 16),
                let length = table.littleEndian(UInt32.self, at: start + 24),
                let flags = table.littleEndian(UInt32.self, at: start + 28)
            else { throw .truncated(.vhdx) }
            let region = Region(offset: offset, length: UInt64(length))  // checked: it widens
            guard id == .blockTable || id == .metadata || flags & 1 == 0 else {
                throw .unknown(.vhdx, feature: "a region")
            }
            guard regions.updateValue(region, forKey: id) == nil else {
                throw .invalid(.vhdx, field: "a region that is there twice, at", value: offset)
            }
            taken.append(region)
        }
        guard let blockTable = regions[.blockTable], let metadata = regions[.metadata] else {
            throw .invalid(.vhdx, field: "the number of regions", value: UInt64(count))  // checked: it widens
        }
        taken.sort { $0.offset < $1.offset }
        var end = UInt64(clamping: Self.byteCount)
        for region in taken {
            guard region.length > 0, region.length % Self.unit == 0, region.offset % Self.unit == 0,
                region.offset >= end, image.contains(region.offset, region.length)
            else { throw .invalid(.vhdx, field: "the offset of a region", value: region.offset) }
            end = region.offset + region.length  // checked: it lies inside the file
        }
        self.blockTable = blockTable
        self.metadata = metadata
    }

    // MARK: One of the two headers

    private struct Copy: Equatable {
        let bytes: [UInt8]
        let sequence: UInt64
        let hasEmptyLog: Bool
        let logVersion: UInt16
        let version: UInt16
        let log: Region
    }

    /// `nil` for one that is damaged: it may be, since writers change the other one first.
    private static func header(_ bytes: [UInt8]) -> Copy? {
        guard bytes.holds("head".utf8), bytes.count == 4096, bytes.hasVhdxChecksum,
            let sequence = bytes.littleEndian(UInt64.self, at: 8), let log = VhdxGUID(bytes, at: 48),
            let logVersion = bytes.littleEndian(UInt16.self, at: 64),
            let version = bytes.littleEndian(UInt16.self, at: 66),
            let length = bytes.littleEndian(UInt32.self, at: 68), let offset = bytes.littleEndian(UInt64.self, at: 72)
        else { return nil }
        return Copy(
            bytes: bytes, sequence: sequence, hasEmptyLog: log == .none, logVersion: logVersion, version: version,
            log: Region(offset: offset, length: UInt64(length)))  // checked: it widens
    }

    private static let largestCount: UInt32 = 2047
    /// Regions begin and end at whole MiB.
    private static let unit: UInt64 = 1 << 20
}
