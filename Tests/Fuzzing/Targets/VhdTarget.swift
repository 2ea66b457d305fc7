// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import ImageHeaders

extension FuzzTarget {
    /// The beginning of a VHD from outside: footer, dynamic header, block table. Checksums are put right first, but
    /// where the script says otherwise. What is accepted is written again to the byte, and no block lies over another
    /// or outside the file; and a disk of this side's own is read as it was made.
    static let vhd = FuzzTarget("vhd", maximumLength: 8192) { bytes in
        var script = Script(bytes)
        let (isRepaired, growth) = (script.byte() & 1 == 0, script.integer(UInt32.self))
        var file = script.takeRest()
        if isRepaired {
            repair(&file, 0..<512, checksum: 64)
            repair(&file, 512..<1536, checksum: 36)
        }
        try inspect(file, fileSize: Int64(file.count) + Int64(growth) * 512)
        // As a source, closed by its footer, it may lean on nothing.
        let (end, footer) = (Int64(file.count) + Int64(growth) * 512, Array(file.prefix(512)))
        let image = ForeignImage.made(of: [(0, file), (end, footer)], size: end + 512)
        if let size = try? VhdFooter.check(image) {
            try expectDisk(size)
            let type = try VhdFooter(decoding: footer).diskType
            try expect(type != .differencing, "a differencing disk is accepted")
        }

        script = Script(bytes)
        let size = script.integer(Int64.self)
        let id = VhdIdentifier(high: script.integer(), low: script.integer())
        let parent = VhdDifferencingDisk.Parent(
            path: "/" + String(decoding: script.takeRest(), as: UTF8.self), uniqueID: id, modified: 7)
        // Larger ones only have more of the same table.
        guard let disk = try? VhdDifferencingDisk(size: size % (64 << 30), parent: parent, created: 9) else { return }
        let encoded = disk.encoded(as: id)
        try expectEqual(encoded.count, disk.fileSize, "size of a file of our own")
        try expect(inspect(encoded, fileSize: Int64(encoded.count)), "a disk of our own is refused")
    }

    /// - Returns: whether it was accepted.
    @discardableResult
    private static func inspect(_ file: [UInt8], fileSize: Int64) throws -> Bool {
        guard let footer = try? VhdFooter(decoding: Array(file.prefix(512))) else { return false }
        try expectEqual(footer.encoded(), Array(file.prefix(512)), "footer when written again")
        let bytes = Array(file.dropFirst(512).prefix(1024))
        guard let header = try? VhdDynamicHeader(decoding: bytes) else { return false }
        try expectEqual(header.encoded(), bytes, "dynamic header when written again")
        guard (try? header.check(footer, fileSize: fileSize)) != nil else { return false }
        let rest = file.dropFirst(Int(min(header.tableOffset, 1 << 20))).prefix(header.tableEntries * 4)
        guard
            let table = try? VhdBlockTable(decoding: Array(rest), header: header, footer: footer, fileSize: fileSize)
        else { return false }
        try expect(table.encoded().starts(with: rest), "the block table is written otherwise than read")
        let blocks = (0..<table.count).compactMap { table.offset(ofBlock: $0) }.sorted()
        for (block, next) in zip(blocks, blocks.dropFirst() + [fileSize]) {
            try expect(block + Int64(header.blockSize) < next, "the block at \(block) reaches over \(next)")
        }
        return true
    }

    private static func repair(_ file: inout [UInt8], _ range: Range<Int>, checksum: Int) {
        guard range.upperBound <= file.count else { return }
        let place = range.lowerBound + checksum..<range.lowerBound + checksum + 4
        var sum: UInt32 = 0
        for index in range where !place.contains(index) { sum &+= UInt32(file[index]) }
        for (index, place) in place.enumerated() {
            file[place] = UInt8(truncatingIfNeeded: ~sum >> UInt32(24 - 8 * index))
        }
    }
}
