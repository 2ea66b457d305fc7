// SPDX-License-Identifier: Apache-2.0

import ImageHeaders

extension FuzzTarget {
    /// A VMDK from outside: header, descriptor, a footer if there is one. What is accepted has no other file in its text.
    static let vmdk = FuzzTarget("vmdk", maximumLength: 16384) { bytes in
        var script = Script(bytes)
        let growth = Int64(script.integer(UInt16.self)) * 512
        let file = script.takeRest()
        let image = ForeignImage.grown(file, by: growth)
        guard let size = try? VmdkHeader.check(image) else { return }
        try expectDisk(size)
        let text = String(decoding: file.dropFirst(512).prefix { $0 != 0 }, as: UTF8.self).lowercased()
        try expect(!text.contains("parentfilenamehint"), "it has a parent")
        try expect(text.contains("parentcid") && text.contains("ffffffff"), "it does not say that it has no parent")
    }

    /// A VHDX from outside. The script says what goes into its headers, region tables and metadata, and whether their
    /// checksums are put right.
    static let vhdx = FuzzTarget("vhdx", maximumLength: 1024) { bytes in
        var script = Script(bytes)
        let (isRepaired, size) = (script.byte() & 1 == 0, Int64(script.byte()) << 20)
        var pieces: [(offset: Int64, bytes: [UInt8])] = [(0, Array("vhdxfile".utf8))]
        func add(_ content: ArraySlice<UInt8>, at places: [Int64], length: Int) {
            var bytes = Array(content) + [UInt8](repeating: 0, count: length - content.count)
            if isRepaired {
                let checksum = VhdxChecksum.of(bytes)
                for (index, place) in VhdxChecksum.place.enumerated() {
                    bytes[place] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * index))
                }
            }
            pieces += places.map { ($0, bytes) }
        }
        add(script.take(80), at: [64 << 10], length: 4096)
        add(script.take(80), at: [128 << 10], length: 4096)
        add(script.take(112), at: [192 << 10, 256 << 10], length: 65536)
        let table = script.take(256)
        // Where qemu puts the metadata.
        pieces += [(3 << 20, Array(table)), (3 << 20 + 65536, script.takeRest())]
        guard let disk = try? VhdxHeader.check(.made(of: pieces, size: size)) else { return }
        try expectDisk(disk)
        // An item that is about the disk; the users' own may have any name.
        let items = stride(from: 32, to: table.count, by: 32).map { Array(table.dropFirst($0).prefix(28)) }
        let count = Int(table.dropFirst(10).first ?? 0)
        for item in items.prefix(count) where item.starts(with: VhdxGUID.parentLocator.bytes) && item.count == 28 {
            try expect(item[24] & 1 == 1, "it has a parent locator")
        }
    }

    /// A VDI from outside.
    static let vdi = FuzzTarget("vdi", maximumLength: 600) { bytes in
        var script = Script(bytes)
        let growth = Int64(script.integer(UInt32.self)) * 512
        let file = script.takeRest()
        guard let size = try? VdiHeader.check(.grown(file, by: growth)) else { return }
        try expectDisk(size)
        try expect(file.dropFirst(424).prefix(32).allSatisfy { $0 == 0 }, "it has a parent")
    }

    /// Whether a disk from outside has a size that can be.
    static func expectDisk(_ size: UInt64) throws(Finding) {
        try expect(size > 0 && size % 512 == 0 && size <= ForeignImage.largestDisk, "the disk has \(size) bytes")
    }
}

extension ForeignImage {
    /// A file that goes on with zeros.
    static func grown(_ bytes: [UInt8], by growth: Int64) -> ForeignImage {
        made(of: [(0, bytes)], size: Int64(bytes.count) + growth)
    }

    /// A file of pieces with zeros between them; later ones lie over earlier ones.
    static func made(of pieces: [(offset: Int64, bytes: [UInt8])], size: Int64) -> ForeignImage {
        ForeignImage(size: size) { offset, count in
            var result = [UInt8](repeating: 0, count: count)
            for piece in pieces where piece.offset < offset + Int64(count) {
                let skipped = Int(max(0, offset - piece.offset))
                let start = Int(max(0, piece.offset - offset))
                let part = piece.bytes.dropFirst(skipped).prefix(count - start)
                result.replaceSubrange(start..<start + part.count, with: part)
            }
            return result
        }
    }
}
