// SPDX-License-Identifier: Apache-2.0

package import FileLayer

/// A FAT file system in an image, of any width. Its names are given in small letters, since it does not tell them from
/// capitals. It is a stranger's: folders end after ``mostEntries`` names, and nothing is read from outside of the partition.
package struct FatFileSystem: GuestFileSystem {
    /// Names in one folder; twice what FAT itself allows is never reached.
    private static let mostEntries = 65536
    private static let entryLength = 32
    private static let longNameAttributes: UInt8 = 0x0f

    private let image: any OpenFile
    private let partition: Partition
    /// Bytes of a table's entry are 1.5, 2 or 4: its width in bits.
    private let width: Int64
    private let clusterLength: Int64
    private let clusterCount: Int64
    /// Offsets in the partition.
    private let table: Int64
    private let data: Int64
    /// FAT12 and FAT16 have their root between the tables and the data; FAT32 has it in a cluster.
    private let root: Range<Int64>
    private let rootCluster: Int64

    private struct Entry {
        let file: GuestFile
        let cluster: Int64
    }

    /// - Throws: ``LintObstacle`` for a boot sector that does not hold together; what reading throws.
    package init(_ image: any OpenFile, _ partition: Partition) throws {
        let sector = try image.bytes(at: partition.offset, count: 512)
        func number<Number: FixedWidthInteger>(_ type: Number.Type, _ offset: Int) -> Int64 {
            Int64(sector.littleEndian(type, at: offset) ?? 0)
        }
        let sectorLength = number(UInt16.self, 11)
        let clusterSectors = number(UInt8.self, 13)
        let tables = number(UInt8.self, 16)
        let shortTable = number(UInt16.self, 22)
        let tableSectors = shortTable > 0 ? shortTable : number(UInt32.self, 36)
        let shortTotal = number(UInt16.self, 19)
        let total = shortTotal > 0 ? shortTotal : number(UInt32.self, 32)
        let reserved = number(UInt16.self, 14)
        guard [512, 1024, 2048, 4096].contains(sectorLength), clusterSectors > 0, tables > 0, tableSectors > 0,
            reserved > 0
        else { throw Self.damage }
        self.image = image
        self.partition = partition
        clusterLength = clusterSectors * sectorLength
        table = reserved * sectorLength
        // checked: products of numbers of 8, 16 and 32 bits.
        let start = table + tables * tableSectors * sectorLength
        let rootLength = number(UInt16.self, 17) * Int64(Self.entryLength)
        root = start..<start + rootLength
        data = start + (rootLength + sectorLength - 1) / sectorLength * sectorLength
        rootCluster = number(UInt32.self, 44)
        clusterCount = (total * sectorLength - data) / clusterLength
        width = shortTable == 0 ? 32 : clusterCount < 4085 ? 12 : 16
        guard clusterCount > 0, data < partition.length else { throw Self.damage }
    }

    private static let damage = LintObstacle("its FAT file system does not hold together; run fsck.fat on it")

    package func files(in path: String) throws -> [GuestFile]? {
        var entries = try entries(of: 0)
        for name in path.split(separator: "/") {
            guard let entry = entries.first(where: { $0.file.name == name }), entry.file.kind == .directory else {
                return nil
            }
            entries = try self.entries(of: entry.cluster)
        }
        return entries.map(\.file)
    }

    /// No rule looks into a file here.
    func contents(of path: String) throws -> [UInt8] { [] }

    /// The entries of a folder that begins in a cluster; 0 stands for the root.
    private func entries(of cluster: Int64) throws -> [Entry] {
        var reader = EntryReader()
        if cluster == 0, width < 32 {
            let length = root.upperBound - root.lowerBound
            guard root.upperBound <= partition.length else { throw Self.damage }
            _ = reader.take(try image.bytes(at: partition.offset + root.lowerBound, count: Int(length)))
            return reader.entries
        }
        var cluster = cluster == 0 ? rootCluster : cluster
        var left = Self.mostEntries * Self.entryLength / Int(clusterLength) + 1
        while cluster >= 2, cluster < clusterCount + 2, left > 0 {
            let place = data + (cluster - 2) * clusterLength
            guard place + clusterLength <= partition.length else { throw Self.damage }
            if reader.take(try image.bytes(at: partition.offset + place, count: Int(clusterLength))) {
                return reader.entries
            }
            cluster = try next(cluster)
            left -= 1  // checked: it is above 0
        }
        // The last cluster of a chain has no successor; any other end is none.
        guard left > 0, cluster >= clusterCount + 2 else { throw Self.damage }
        return reader.entries
    }

    /// The cluster after one, or a number outside of the data at the end of a chain.
    private func next(_ cluster: Int64) throws -> Int64 {
        let place = table + cluster * width / 8
        guard place + 4 <= partition.length else { throw Self.damage }
        let bytes = try image.bytes(at: partition.offset + place, count: 4)
        switch width {
        case 12:
            let pair = Int64(bytes.littleEndian(UInt16.self, at: 0) ?? 0)
            return cluster % 2 == 0 ? pair & 0xfff : pair >> 4
        case 16: return Int64(bytes.littleEndian(UInt16.self, at: 0) ?? 0)
        default: return Int64(bytes.littleEndian(UInt32.self, at: 0) ?? 0) & 0x0fff_ffff
        }
    }

    /// Reads a folder's entries of 32 bytes. A long name stands before its file's, in pieces from the last to the first.
    private struct EntryReader {
        private(set) var entries: [Entry] = []
        private var longName: [UInt16] = []

        /// - Returns: whether the folder ends here.
        mutating func take(_ bytes: [UInt8]) -> Bool {
            for start in stride(from: 0, to: bytes.count, by: entryLength) {
                let entry = Array(bytes.dropFirst(start).prefix(entryLength))
                guard entry.count == entryLength, let first = entry.first, first != 0 else { return true }
                guard let attributes = entry.littleEndian(UInt8.self, at: 11) else { return true }
                if first == 0xe5 {
                    longName = []
                } else if attributes & longNameAttributes == longNameAttributes {
                    // A name has 20 such pieces at most.
                    longName = (Self.piece(entry) + longName).suffix(13 * 20)
                } else {
                    let found = read(entry, attributes)
                    // A name that no path can have is no file's: it would stand for another one.
                    if attributes & 0x08 == 0, !found.file.name.isEmpty, !found.file.name.contains("/") {
                        entries.append(found)
                    }
                    longName = []
                }
                if entries.count >= mostEntries { return true }
            }
            return false
        }

        private func read(_ entry: [UInt8], _ attributes: UInt8) -> Entry {
            let high = Int64(entry.littleEndian(UInt16.self, at: 20) ?? 0)
            let low = Int64(entry.littleEndian(UInt16.self, at: 26) ?? 0)
            let isFolder = attributes & 0x10 != 0
            let name = longName.isEmpty ? Self.shortName(entry) : String(decoding: longName, as: UTF16.self)
            return Entry(
                file: GuestFile(
                    name: name.lowercased(), kind: isFolder ? .directory : .regular,
                    size: isFolder ? 0 : Int64(entry.littleEndian(UInt32.self, at: 28) ?? 0)),
                cluster: high << 16 | low)
        }

        private static func piece(_ entry: [UInt8]) -> [UInt16] {
            let units = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].compactMap {
                entry.littleEndian(UInt16.self, at: $0)
            }
            return Array(units.prefix { $0 != 0 && $0 != 0xffff })
        }

        private static func shortName(_ entry: [UInt8]) -> String {
            func text(_ bytes: ArraySlice<UInt8>) -> String {
                String(decoding: bytes, as: UTF8.self).trimmingTrailingBlanks
            }
            let (name, ending) = (text(entry[..<8]), text(entry[8..<11]))  // checked: an entry has 32 bytes
            return ending.isEmpty ? name : "\(name).\(ending)"
        }
    }
}

extension String {
    fileprivate var trimmingTrailingBlanks: String {
        String(reversed().drop { $0 == " " }.reversed())
    }
}
