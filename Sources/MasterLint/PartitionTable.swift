// SPDX-License-Identifier: Apache-2.0

package import FileLayer

/// A part of an image in which a file system may lie.
package struct Partition: Hashable, Sendable {
    /// As partition tools count, from 1; `nil` for the whole image.
    package let number: Int?
    /// In bytes. What the table has but the image does not hold has no length.
    package let offset: Int64
    package let length: Int64

    package init(number: Int?, offset: Int64, length: Int64) {
        self.number = number
        self.offset = offset
        self.length = length
    }

    package var name: String { number.map { "partition \($0)" } ?? "whole image" }
}

/// The partitions of a disk image, by its GPT or its MBR. The table is a stranger's: what does not lie within the image has
/// no length, and of more than ``most`` the rest is one without length, so that nobody takes them for looked at.
package enum PartitionTable {
    package static let most = 256
    private static let extendedTypes: Set<UInt8> = [0x05, 0x0f, 0x85]
    private static let protectiveType: UInt8 = 0xee
    /// GPT entries are read in one go; the usual table has 128 of 128 bytes.
    private static let entryLengths = 128...4096
    /// What boot loaders keep to themselves, without a file system.
    private static let bootLoaderType: [UInt8] = [
        0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, 0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49,
    ]

    /// - Returns: the partitions, or one part that is the whole image where there is no table.
    /// - Throws: what reading throws.
    package static func partitions(of image: any OpenFile) throws(FileError) -> [Partition] {
        let size = try image.size()
        let first = try image.bytes(at: 0, count: 512)
        var found: [Partition]?
        if let entries = mbrEntries(first) {
            if entries.contains(where: { $0.type == protectiveType }) {
                for sectorSize: Int64 in [512, 4096] where found == nil { found = try gpt(image, sectorSize, size) }
            } else {
                found = try mbr(entries, image, size)
            }
        }
        guard let found, !found.isEmpty else { return [Partition(number: nil, offset: 0, length: size)] }
        return found
    }

    // MARK: MBR

    private struct Entry {
        let type: UInt8
        let start: Int64
        let count: Int64
    }

    /// The four entries, or `nil` where there are none: boot sectors of file systems end in the same two bytes.
    private static func mbrEntries(_ sector: [UInt8]) -> [Entry]? {
        guard sector.littleEndian(UInt16.self, at: 510) == 0xaa55 else { return nil }
        var entries: [Entry] = []
        for place in stride(from: 446, to: 510, by: 16) {
            guard let status = sector.littleEndian(UInt8.self, at: place), status & 0x7f == 0,
                let type = sector.littleEndian(UInt8.self, at: place + 4),
                let start = sector.littleEndian(UInt32.self, at: place + 8),
                let count = sector.littleEndian(UInt32.self, at: place + 12)
            else { return nil }
            entries.append(Entry(type: type, start: Int64(start), count: Int64(count)))
        }
        return entries
    }

    private static func mbr(_ entries: [Entry], _ image: any OpenFile, _ size: Int64) throws(FileError) -> [Partition] {
        var partitions: [Partition] = []
        for (index, entry) in entries.enumerated() where entry.type != 0 && !extendedTypes.contains(entry.type) {
            add(index + 1, entry.start, entry.count, 512, size, to: &partitions)
        }
        // Each link of the chain of logical partitions holds one of them and the next link; both are relative.
        guard let chain = entries.first(where: { extendedTypes.contains($0.type) }) else { return partitions }
        var link = chain.start
        for number in 5..<(5 + most) {
            let offset = link << 9
            guard offset > 0, offset < size, let pair = mbrEntries(try image.bytes(at: offset, count: 512)) else {
                add(number, 0, 0, 512, size, to: &partitions)
                break
            }
            if let own = pair.first, own.type != 0 {
                add(number, link + own.start, own.count, 512, size, to: &partitions)
            }
            guard let next = pair.dropFirst().first, extendedTypes.contains(next.type) else { break }
            link = chain.start + next.start
        }
        return partitions
    }

    // MARK: GPT

    private static func gpt(
        _ image: any OpenFile, _ sectorSize: Int64, _ size: Int64
    ) throws(FileError) -> [Partition]? {
        let header = try image.bytes(at: sectorSize, count: 512)
        guard header.starts(with: "EFI PART".utf8), let table = header.littleEndian(UInt64.self, at: 72),
            let count = header.littleEndian(UInt32.self, at: 80), let length = header.littleEndian(UInt32.self, at: 84),
            let start = byteOffset(table, sectorSize), start < size, entryLengths.contains(Int(length))
        else { return nil }
        var partitions: [Partition] = []
        for index in 0..<min(Int(count), most) {
            let entry = try image.bytes(at: start + Int64(index) * Int64(length), count: 128)
            guard let first = entry.littleEndian(UInt64.self, at: 32),
                let last = entry.littleEndian(UInt64.self, at: 40)
            else {
                add(index + 1, 0, 0, sectorSize, size, to: &partitions)
                break
            }
            let type = entry.prefix(16)
            if type.allSatisfy({ $0 == 0 }) || type.elementsEqual(bootLoaderType) { continue }
            guard let from = Int64(exactly: first), let to = Int64(exactly: last), from <= to, to < Int64.max else {
                add(index + 1, 0, 0, sectorSize, size, to: &partitions)
                continue
            }
            add(index + 1, from, to - from + 1, sectorSize, size, to: &partitions)
        }
        if Int(count) > most { partitions.append(Partition(number: most + 1, offset: 0, length: 0)) }
        return partitions
    }

    private static func byteOffset(_ sector: UInt64, _ sectorSize: Int64) -> Int64? {
        guard let sector = Int64(exactly: sector) else { return nil }
        let (offset, overflow) = sector.multipliedReportingOverflow(by: sectorSize)
        return overflow ? nil : offset
    }

    /// Adds a partition, without length when it does not lie within the image.
    private static func add(
        _ number: Int, _ start: Int64, _ count: Int64, _ sectorSize: Int64, _ size: Int64,
        to partitions: inout [Partition]
    ) {
        guard partitions.count < most else { return }
        // checked: a sector has 512 or 4,096 bytes.
        let sectors = size / sectorSize
        let isWithin = start > 0 && count > 0 && start < sectors && count <= sectors - start
        partitions.append(
            Partition(
                number: number, offset: isWithin ? start * sectorSize : 0, length: isWithin ? count * sectorSize : 0))
    }
}

extension OpenFile {
    /// The bytes from `offset`, fewer where the file ends.
    func bytes(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try bytes.withUnsafeMutableBufferPointer { buffer throws(FileError) in
            try self.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
        return Array(bytes.prefix(read))
    }
}

extension [UInt8] {
    /// The number at `offset`, or `nil` when the bytes end before it does.
    func littleEndian<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number? {
        let width = Number.bitWidth / 8
        guard offset >= 0, count >= width, offset <= count - width else { return nil }
        return dropFirst(offset).prefix(width).reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }
}
