// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// A CD-ROM image with a few small files in its root: ISO 9660 (ECMA-119) for everybody, and beside it Joliet, which has
/// the names as they are.
///
/// Every structure has its fixed place, and nothing in it depends on time or place: the same files give the same bytes.
struct DiscImage {
    struct File {
        /// Small letters, digits and hyphens. Names are given in the order of their letters.
        let name: String
        let bytes: [UInt8]
    }

    static let sectorSize = 2048

    /// The sectors of what stands before the files. The first 16 are a boot loader's.
    private enum Sector {
        static let descriptors = 16
        static let terminator = 18
        static let pathTables = 19
        static let roots = 23
        static let files = 25
    }

    /// A directory's record of itself, and so of its parent.
    private static let rootRecordLength = 34
    private static let fileFlags: UInt8 = 0
    private static let directoryFlags: UInt8 = 2
    /// The beginning of the year 2000.
    private static let recordDate: [UInt8] = [100, 1, 1, 0, 0, 0, 0]
    private static let volumeDate = Array("2000010100000000".utf8) + [0]
    private static let noDate = Array("0000000000000000".utf8) + [0]

    /// Up to 15 capital or small letters.
    let label: String
    /// Few enough for one sector of directory.
    let files: [File]

    var bytes: [UInt8] {
        var image = [UInt8](repeating: 0, count: Sector.descriptors * Self.sectorSize)
        for isJoliet in [false, true] { image += Self.sector(descriptor(isJoliet)) }
        image += Self.sector([0xff] + Array("CD001".utf8) + [1])
        for isJoliet in [false, true] {
            for isBigEndian in [false, true] { image += Self.sector(Self.pathTable(isJoliet, isBigEndian)) }
        }
        for isJoliet in [false, true] { image += Self.sector(root(isJoliet)) }
        for file in files { image += Self.sector(file.bytes) }
        return image
    }

    /// The files of an image that ``bytes`` gave, without their names. What of another image comes out may be anything.
    static func files(_ image: [UInt8]) -> [[UInt8]]? {
        var files: [[UInt8]] = []
        var record = Sector.roots * sectorSize + 2 * rootRecordLength
        // checked: the record is within one sector of the directory.
        while record < (Sector.roots + 1) * sectorSize, record < image.count, image[record] > 0 {
            guard let start = image.bigEndian(UInt32.self, at: record + 6),
                let length = image.bigEndian(UInt32.self, at: record + 14),
                Int(start) * sectorSize + Int(length) <= image.count
            else { return nil }
            files.append(Array(image.dropFirst(Int(start) * sectorSize).prefix(Int(length))))
            record += Int(image[record])
        }
        return files
    }

    // MARK: Structures

    /// ECMA-119, sections 8.4 and 8.5.
    private func descriptor(_ isJoliet: Bool) -> [UInt8] {
        func text(_ string: String, _ count: Int) -> [UInt8] {
            guard isJoliet else {
                return Array(string.utf8) + [UInt8](repeating: 0x20, count: count - string.utf8.count)
            }
            // checked: labels and names are ours, and shorter than their fields.
            return Self.wide(string) + (2 * string.utf8.count..<count).map { $0 % 2 == 0 ? 0 : 0x20 }
        }
        var bytes: [UInt8] = [isJoliet ? 2 : 1] + Array("CD001".utf8) + [1, 0]
        bytes += text("", 32) + text(label, 32) + [UInt8](repeating: 0, count: 8)
        bytes += Self.both32(Sector.files + files.reduce(0) { $0 + Self.sectors($1.bytes.count) })
        // UCS-2, level 3.
        bytes += isJoliet ? Array("%/E".utf8) + [UInt8](repeating: 0, count: 29) : [UInt8](repeating: 0, count: 32)
        bytes += Self.both16(1) + Self.both16(1) + Self.both16(Self.sectorSize)
        bytes += Self.both32(Self.pathTable(isJoliet, false).count)
        let table = Sector.pathTables + (isJoliet ? 2 : 0)
        bytes += Self.little32(table) + Self.little32(0) + Self.big32(table + 1) + Self.big32(0)
        bytes += Self.record([0], Self.rootSector(isJoliet), Self.sectorSize, Self.directoryFlags)
        bytes += text("", 128) + text("", 128) + text("", 128) + text("", 128)
        bytes += text("", 37) + text("", 37) + text("", 37)
        bytes += Self.volumeDate + Self.volumeDate + Self.noDate + Self.noDate
        return bytes + [1]
    }

    /// Section 9.4: the root alone.
    private static func pathTable(_ isJoliet: Bool, _ isBigEndian: Bool) -> [UInt8] {
        let root = rootSector(isJoliet)
        return [1, 0] + (isBigEndian ? big32(root) + [0, 1] : little32(root) + [1, 0]) + [0, 0]
    }

    private func root(_ isJoliet: Bool) -> [UInt8] {
        let own = Self.rootSector(isJoliet)
        var bytes =
            Self.record([0], own, Self.sectorSize, Self.directoryFlags)
            + Self.record([1], own, Self.sectorSize, Self.directoryFlags)
        var sector = Sector.files
        for file in files {
            let name =
                isJoliet
                ? Self.wide("\(file.name);1")
                : Array("\(file.name.uppercased().replacing("-", with: "_")).;1".utf8)
            bytes += Self.record(name, sector, file.bytes.count, Self.fileFlags)
            sector += Self.sectors(file.bytes.count)
        }
        return bytes
    }

    /// Section 9.1.
    private static func record(_ name: [UInt8], _ sector: Int, _ length: Int, _ flags: UInt8) -> [UInt8] {
        var bytes: [UInt8] = [0] + both32(sector) + both32(length) + recordDate
        bytes += [flags, 0, 0] + both16(1) + [UInt8(truncatingIfNeeded: name.count)] + name
        // The length stands before all this, and is even.
        if bytes.count % 2 == 0 { bytes.append(0) }
        return [UInt8(truncatingIfNeeded: bytes.count + 1)] + bytes
    }

    private static func rootSector(_ isJoliet: Bool) -> Int { Sector.roots + (isJoliet ? 1 : 0) }
    // checked: lengths of files in memory.
    private static func sectors(_ length: Int) -> Int { (length + sectorSize - 1) / sectorSize }

    private static func sector(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: sectors(bytes.count) * sectorSize - bytes.count)
    }

    /// ASCII as UCS-2.
    private static func wide(_ text: String) -> [UInt8] { text.utf8.flatMap { byte -> [UInt8] in [0, byte] } }

    // MARK: Numbers, in either order of bytes and in both

    private static func big32(_ number: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
    private static func little32(_ number: Int) -> [UInt8] { big32(number).reversed() }
    private static func both32(_ number: Int) -> [UInt8] { little32(number) + big32(number) }
    private static func both16(_ number: Int) -> [UInt8] {
        let (low, high) = (UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8))
        return [low, high, high, low]
    }
}
