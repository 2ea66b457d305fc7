// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import TestSupport
import Testing

/// The structures of a VHD: read as they were written, and every damage refused.
@Suite struct VhdFormatTests {
    private static let parent = VhdDifferencingDisk.Parent(
        path: "/store/clones/debian@1.vhd", uniqueID: VhdIdentifier(high: 0x0102_0304_0506_0708, low: 9), modified: 77)

    private func disk(_ size: Int64 = 5 << 20) throws -> [UInt8] {
        try VhdDifferencingDisk(size: size, parent: Self.parent, created: 1234)
            .encoded(as: VhdIdentifier(high: 42, low: 43))
    }

    private func refusal<Value>(_ body: () throws(VhdError) -> Value) -> VhdError? {
        do throws(VhdError) {
            _ = try body()
            return nil
        } catch { return error }
    }

    /// The whole file read strictly, as a hypervisor would find it.
    private func inspect(_ bytes: [UInt8]) throws(VhdError) -> (VhdFooter, VhdDynamicHeader, VhdBlockTable) {
        let footer = try VhdFooter(decoding: Array(bytes.prefix(512)))
        let header = try VhdDynamicHeader(decoding: Array(bytes.dropFirst(512).prefix(1024)))
        try header.check(footer, fileSize: Int64(bytes.count))
        let start = Int(header.tableOffset)
        let table = try VhdBlockTable(
            decoding: Array(bytes[start..<start + header.tableEntries * 4]), header: header, footer: footer,
            fileSize: Int64(bytes.count))
        return (footer, header, table)
    }

    @Test func `a fresh disk says what it was made with`() throws {
        let bytes = try disk()
        let (footer, header, table) = try inspect(bytes)
        #expect(Array(bytes.suffix(512)) == Array(bytes.prefix(512)))
        #expect(footer.diskType == .differencing && footer.currentSize == 5 << 20 && footer.created == 1234)
        #expect(footer.uniqueID == VhdIdentifier(high: 42, low: 43))
        #expect(header.parentID == Self.parent.uniqueID && header.parentModified == 77)
        #expect(header.parentName == "debian@1.vhd" && header.tableEntries == 3 && header.blockSize == 2 << 20)
        #expect((0..<4).allSatisfy { table.offset(ofBlock: $0) == nil })
        func path(_ locator: VhdParentLocator) -> String {
            let start = Int(locator.offset)
            let data = bytes[start..<start + Int(locator.length)]
            return String(decoding: data, as: UTF8.self).filter { $0 != "\0" }
        }
        #expect(header.locators.count == 8)
        #expect(header.locators[0].platform == VhdParentLocator.relativePath)
        #expect(path(header.locators[0]) == #".\debian@1.vhd"#)
        #expect(header.locators[1].platform == VhdParentLocator.absolutePath)
        #expect(path(header.locators[1]) == #"\store\clones\debian@1.vhd"#)
        #expect(header.locators[2...].allSatisfy { $0 == .unused })
    }

    @Test(arguments: 0..<8)
    func `footers and headers of any content are read as they were written`(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        func number<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type) -> Number {
            Number(truncatingIfNeeded: random.next())
        }
        for _ in 0..<100 {
            let type = try #require([VhdFooter.DiskType.fixed, .dynamic, .differencing].randomElement(using: &random))
            let size = Int64.random(in: 1...(2040 << 30) / 512, using: &random) * 512
            let id = VhdIdentifier(high: random.next(), low: random.next())
            var footer = try VhdFooter(type, size: size, uniqueID: id, created: number(UInt32.self))
            footer.originalSize = Int64.random(in: 1...(2040 << 30) / 512, using: &random) * 512
            footer.creator = number(UInt32.self)
            footer.isTemporary = .random(using: &random)
            footer.isSaved = .random(using: &random)
            footer.isHidden = .random(using: &random)
            #expect(try VhdFooter(decoding: footer.encoded()) == footer)

            let letters = (0..<Int.random(in: 0...100, using: &random)).compactMap { _ in
                ["a", "é", "@", ".", "你", "😀"].randomElement(using: &random)
            }
            let locators = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                VhdParentLocator(
                    platform: number(UInt32.self) | 1, space: 1024, length: .random(in: 1...1024, using: &random),
                    offset: .random(in: 0...1 << 40, using: &random) * 512)
            }
            let header = try VhdDynamicHeader(
                tableOffset: .random(in: 1...1 << 40, using: &random) * 512,
                tableEntries: .random(in: 1...4 << 20, using: &random),
                blockSize: (512 << 10) << Int.random(in: 0...9, using: &random),
                parentID: VhdIdentifier(high: random.next(), low: random.next()), parentModified: number(UInt32.self),
                parentName: letters.joined(), locators: locators)
            #expect(try VhdDynamicHeader(decoding: header.encoded()) == header)
        }
        #expect(
            refusal { () throws(VhdError) in
                try VhdDynamicHeader(
                    tableOffset: 512, tableEntries: 1, blockSize: 2 << 20, parentID: .none, parentModified: 0,
                    parentName: String(repeating: "x", count: 257), locators: [])
            } != nil)
    }

    @Test func `every changed bit and every cut is refused`() throws {
        let bytes = try disk()
        let (footer, header) = (Array(bytes.prefix(512)), Array(bytes[512..<1536]))
        for index in footer.indices {
            for bit in 0..<8 {
                var damaged = footer
                damaged[index] ^= 1 << bit
                #expect(
                    refusal { () throws(VhdError) in try VhdFooter(decoding: damaged) } != nil, "footer byte \(index)")
            }
            #expect(refusal { () throws(VhdError) in try VhdFooter(decoding: Array(footer.prefix(index))) } != nil)
        }
        for index in header.indices {
            for bit in 0..<8 {
                var damaged = header
                damaged[index] ^= 1 << bit
                #expect(
                    refusal { () throws(VhdError) in try VhdDynamicHeader(decoding: damaged) } != nil,
                    "header byte \(index)")
            }
            #expect(
                refusal { () throws(VhdError) in try VhdDynamicHeader(decoding: Array(header.prefix(index))) } != nil)
        }
        #expect(refusal { () throws(VhdError) in try VhdFooter(decoding: footer + [0]) } == .truncated)
    }

    /// Sets bytes and puts the checksum right again, as a hostile writer would.
    private func forged(_ bytes: [UInt8], _ offset: Int, _ value: [UInt8], checksum: Int) -> [UInt8] {
        var bytes = bytes
        bytes.replaceSubrange(offset..<offset + value.count, with: value)
        bytes.replaceSubrange(checksum..<checksum + 4, with: [0, 0, 0, 0])
        let sum = ~bytes.reduce(UInt32(0)) { $0 &+ UInt32($1) }
        bytes.replaceSubrange(
            checksum..<checksum + 4, with: (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * $0)) })
        return bytes
    }

    @Test func `hostile values under a right checksum are refused by name`() throws {
        let bytes = try disk()
        let (footer, header) = (Array(bytes.prefix(512)), Array(bytes[512..<1536]))
        func footerRefusal(_ offset: Int, _ value: [UInt8]) -> VhdError? {
            refusal { () throws(VhdError) in try VhdFooter(decoding: forged(footer, offset, value, checksum: 64)) }
        }
        #expect(footerRefusal(24, [9]) == nil)
        #expect(footerRefusal(11, [0]) == .invalid(field: "the footer's features", value: 0))
        #expect(footerRefusal(12, [9]) != nil)
        #expect(footerRefusal(16, [0xff]) != nil)
        #expect(footerRefusal(23, [1]) != nil)
        #expect(footerRefusal(40, [0x7f]) != nil)
        #expect(footerRefusal(48, [UInt8](repeating: 0xff, count: 8)) != nil)
        #expect(footerRefusal(48, [UInt8](repeating: 0, count: 8)) != nil)
        #expect(footerRefusal(55, [1]) != nil)
        #expect(footerRefusal(63, [5]) == .invalid(field: "the disk type", value: 5))
        #expect(footerRefusal(63, [2]) != nil)
        #expect(footerRefusal(84, [2]) != nil)
        #expect(footerRefusal(400, [1]) != nil)

        func headerRefusal(_ offset: Int, _ value: [UInt8]) -> VhdError? {
            refusal { () throws(VhdError) in
                try VhdDynamicHeader(decoding: forged(header, offset, value, checksum: 36))
                    .check(VhdFooter(decoding: footer), fileSize: Int64(bytes.count))
            }
        }
        #expect(headerRefusal(56, [9]) == nil)
        #expect(headerRefusal(8, [0]) != nil)
        for table: [UInt8] in [[0x7f], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 2, 0], [0, 0, 0, 0, 0, 0, 0, 0]] {
            #expect(headerRefusal(16, table) != nil)
        }
        #expect(headerRefusal(28, [0xff, 0xff, 0xff, 0xff]) != nil)
        #expect(headerRefusal(28, [0, 0, 0, 0]) != nil)
        #expect(headerRefusal(28, [0, 0, 0, 2]) == .invalid(field: "the number of table entries", value: 2))
        #expect(headerRefusal(28, [0, 0x20, 0, 0]) != nil)
        for block: [UInt8] in [[0, 0, 2, 0], [0, 0x30, 0, 0], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0]] {
            #expect(headerRefusal(32, block) != nil)
        }
        #expect(headerRefusal(60, [1]) != nil)
        #expect(headerRefusal(64, [0xd8, 0]) == .invalid(field: "a character of the parent's name", value: 0))
        #expect(headerRefusal(575, [1]) != nil)
        #expect(headerRefusal(576 + 8, [0xff, 0xff, 0xff, 0xff]) != nil)
        #expect(headerRefusal(576 + 16, [0x7f]) != nil)
        #expect(headerRefusal(576 + 16, [0, 0, 0, 0, 0x10]) != nil)
        #expect(headerRefusal(576 + 2 * 24 + 8, [1]) != nil)
        #expect(headerRefusal(1023, [1]) != nil)
    }

    @Test func `blocks outside the file, over its structures or over each other are refused`() throws {
        let fresh = try disk()
        let block = Int(512 + (2 << 20))
        let bytes = fresh + [UInt8](repeating: 0, count: 3 * block)
        func refusal(_ entries: [Int]) -> VhdError? {
            var bytes = bytes
            for (index, entry) in entries.enumerated() {
                let value = UInt32(entry)
                bytes.replaceSubrange(
                    1536 + 4 * index..<1540 + 4 * index,
                    with: (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) })
            }
            return self.refusal { () throws(VhdError) in try inspect(bytes) }
        }
        let first = (fresh.count - 512) / 512
        let length = block / 512
        #expect(refusal([first, first + length, first + 2 * length]) == nil)
        #expect(refusal([first + 2 * length, first, first + length]) == nil)
        #expect(refusal([first, first + length - 1]) != nil)
        #expect(refusal([first, first]) != nil)
        #expect(refusal([first + 2 * length + 2]) != nil)
        #expect(refusal([0xffff_fffe]) != nil)
        for sector in 0..<first { #expect(refusal([sector]) != nil, "sector \(sector)") }
    }

    @Test func `no change of one or a few bytes makes a reader stop the process`() throws {
        let bytes = Array(try disk().prefix(1536))
        let footer = try VhdFooter(decoding: Array(bytes.prefix(512)))
        for offset in bytes.indices {
            for value in [0, 0x7f, 0xff] as [UInt8] {
                for run in [1, 8] {
                    let end = offset < 512 ? 512 : 1536
                    let start = offset < 512 ? 0 : 512
                    let piece = [UInt8](repeating: value, count: min(run, end - offset))
                    let damaged = forged(
                        Array(bytes[start..<end]), offset - start, piece, checksum: offset < 512 ? 64 : 36)
                    if offset < 512 {
                        if let read = try? VhdFooter(decoding: damaged) { #expect(read.encoded() == damaged) }
                    } else if let read = try? VhdDynamicHeader(decoding: damaged) {
                        #expect(read.encoded() == damaged)
                        try? read.check(footer, fileSize: Int64(value) << 50)
                    }
                }
            }
        }
    }

    @Test func `VHDs that qemu made are read to the byte`() throws {
        let folder = try TestFolder()
        let path = "\(folder.path)/q.vhd"
        for (subformat, size) in [("dynamic", 64 << 20), ("dynamic", 3 << 30), ("fixed", 8 << 20)] {
            try ToolRun.check(
                "qemu-img", "create", "-q", "-f", "vpc", "-o", "subformat=\(subformat),force_size=on", path, "\(size)")
            let bytes = try PosixFiles().contents(of: path, limit: 1 << 30)
            let footer = try VhdFooter(decoding: Array(bytes.suffix(512)))
            #expect(footer.encoded() == Array(bytes.suffix(512)))
            #expect(footer.currentSize == Int64(size))
            guard subformat == "dynamic" else {
                #expect(footer.diskType == .fixed)
                continue
            }
            let (copy, header, table) = try inspect(bytes)
            #expect(copy == footer && header.encoded() == Array(bytes[512..<1536]))
            #expect(header.parentID == .none && header.parentName.isEmpty)
            #expect(table.encoded() == Array(bytes[1536..<1536 + table.encoded().count]))
        }
    }

    /// Sizes in sectors, and what the specification's rule makes of them, worked out by hand.
    @Test(
        arguments: [
            (1, 0, 4, 17), (68, 1, 4, 17), (32768, 481, 4, 17), (500_000, 1008, 16, 31), (4_194_304, 4161, 16, 63),
            (66_059_280, 16191, 16, 255), (4_278_190_080, 65535, 16, 255),
        ] as [(Int64, UInt16, UInt8, UInt8)])
    func `the geometry follows the specification's rule`(
        _ sectors: Int64, _ cylinders: UInt16, _ heads: UInt8, _ track: UInt8
    ) {
        #expect(
            VhdGeometry(diskOf: sectors * 512)
                == VhdGeometry(cylinders: cylinders, heads: heads, sectorsPerTrack: track))
    }

    @Test func `every refusal is a sentence`() {
        let all: [VhdError] = [
            .notVhd, .truncated, .checksum(of: "footer"), .invalid(field: "x", value: 1), .oddSize(5), .tooLarge(.max),
            .nameTooLong("x"),
        ]
        for error in all { #expect(error.description.count > 20) }
    }
}
