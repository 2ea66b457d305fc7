// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer

/// Writes into a differencing VHD as a hypervisor would. libvhdi reads bitmap bytes that are partly set in its own way,
/// so what is written begins and ends at multiples of 4 KiB: eight sectors, one byte of the bitmap.
struct VhdWriter {
    let footer: VhdFooter
    private let header: VhdDynamicHeader
    private var table: VhdBlockTable
    private let path: String
    private let file: any OpenFile

    init(_ path: String) throws {
        self.path = path
        file = try PosixFiles().open(path, .update)
        let size = try file.size()
        footer = try VhdFooter(decoding: Self.read(file, 0, VhdFooter.byteCount))
        header = try VhdDynamicHeader(
            decoding: Self.read(file, footer.headerOffset ?? 0, VhdDynamicHeader.byteCount))
        try header.check(footer, fileSize: size)
        table = try VhdBlockTable(
            decoding: Self.read(file, header.tableOffset, header.tableEntries * 4), header: header, footer: footer,
            fileSize: size)
    }

    /// Fills a run of the disk with one byte.
    mutating func write(_ pattern: UInt8, at start: Int64, count: Int64) throws {
        precondition(start % 4096 == 0 && count % 4096 == 0)
        var position = start
        while position < start + count {
            let block = Int(position / Int64(header.blockSize))
            let inside = position % Int64(header.blockSize)
            let length = min(Int64(header.blockSize) - inside, start + count - position)
            let place = try place(of: block)
            let bitmap = Int64(header.blockSize / 512 / 8)
            try put([UInt8](repeating: 0xff, count: Int(length / 4096)), at: place + inside / 4096)
            try put([UInt8](repeating: pattern, count: Int(length)), at: place + bitmap + inside)
            position += length
        }
    }

    /// Where a block's bitmap lies; the block is put where the footer was, and the footer behind it.
    private mutating func place(of block: Int) throws -> Int64 {
        if let place = table.offset(ofBlock: block) { return place }
        let place = try file.size() - Int64(VhdFooter.byteCount)
        let bitmap = header.blockSize / 512 / 8
        try put([UInt8](repeating: 0, count: VhdFooter.byteCount), at: place)
        try file.truncate(to: place + Int64(bitmap + header.blockSize))
        try put(footer.encoded(), at: place + Int64(bitmap + header.blockSize))
        let sector = UInt32(place / 512)
        try put(
            (0..<4).map { UInt8(truncatingIfNeeded: sector >> UInt32(24 - 8 * $0)) },
            at: header.tableOffset + Int64(4 * block))
        let size = try file.size()
        table = try VhdBlockTable(
            decoding: Self.read(file, header.tableOffset, header.tableEntries * 4), header: header, footer: footer,
            fileSize: size)
        return place
    }

    private func put(_ bytes: [UInt8], at offset: Int64) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    }

    private static func read(_ file: any OpenFile, _ offset: Int64, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        return Array(bytes.prefix(read))
    }
}
