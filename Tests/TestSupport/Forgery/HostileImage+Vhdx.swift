// SPDX-License-Identifier: Apache-2.0

import ImageHeaders

extension ForgedFile {
    private static let mebibyte = 1 << 20
    fileprivate static let table = 2 << 20

    /// A sound, empty disk of 8 MiB: headers, log, metadata and block table, 1 MiB each.
    package static func vhdx() -> ForgedFile {
        var file = ForgedFile(size: 4 << 20)
        file.put("vhdxfile", at: 0)
        for (index, start) in [64 << 10, 128 << 10].enumerated() {
            file.put("head", at: start)
            file.putLittle(UInt64(7 + index), at: start + 8)
            file.putLittle(UInt16(1), at: start + 66)
            file.putLittle(UInt32(mebibyte), at: start + 68)  // The log.
            file.putLittle(UInt64(mebibyte), at: start + 72)
        }
        for start in [192 << 10, 256 << 10] {
            file.put("regi", at: start)
            file.putLittle(UInt32(2), at: start + 8)
            for (index, id) in [VhdxGUID.metadata, .blockTable].enumerated() {
                file.putRegion(id, offset: UInt64((2 + index) * mebibyte), at: start + 16 + 32 * index)
            }
        }
        file.put("metadata", at: table)
        file.putLittle(UInt16(5), at: table + 10)
        file.putItem(0, .fileParameters, offset: 0, [0, 0, 32, 0, 0, 0, 0, 0])  // Blocks of 2 MiB.
        file.putItem(1, .diskSize, offset: 8, [0, 0, 128, 0, 0, 0, 0, 0])
        file.putItem(2, .page83Data, offset: 16, Array(1...16))
        file.putItem(3, .logicalSectorSize, offset: 32, [0, 2, 0, 0])
        file.putItem(4, .physicalSectorSize, offset: 36, [0, 16, 0, 0])
        file.closeVhdx()
        return file
    }

    fileprivate mutating func putRegion(_ id: VhdxGUID, offset: UInt64, at place: Int) {
        put(id.bytes, at: place)
        putLittle(offset, at: place + 16)
        putLittle(UInt32(1 << 20), at: place + 24)
        putLittle(UInt32(1), at: place + 28)
    }

    fileprivate mutating func putItem(_ index: Int, _ id: VhdxGUID, offset: Int, _ content: [UInt8]) {
        let place = Self.table + 32 + 32 * index
        put(id.bytes, at: place)
        putLittle(UInt32(65536 + offset), at: place + 16)
        putLittle(UInt32(content.count), at: place + 20)
        putLittle(UInt32(6), at: place + 24)  // About the disk, and not to be passed over.
        put(content, at: Self.table + 65536 + offset)
    }

    /// Puts the checksums right.
    package mutating func closeVhdx() {
        for (start, length) in [(64, 4), (128, 4), (192, 64), (256, 64)] {
            let range = start << 10..<(start + length) << 10
            guard range.upperBound <= bytes.count else { return }
            putLittle(VhdxChecksum.of(Array(bytes[range])), at: range.lowerBound + 4)
        }
    }

    /// Changes both copies of a structure: `step` bytes lie between them.
    fileprivate mutating func putTwice(_ number: some FixedWidthInteger, at offset: Int) {
        putLittle(number, at: offset)
        putLittle(number, at: offset + 64 << 10)
    }
}

extension HostileImage {
    static func vhdx(after canary: String) -> [HostileImage] {
        let sound = ForgedFile.vhdx()
        func image(
            _ description: String, _ reason: String, _ change: (inout ForgedFile) -> Void
        ) -> HostileImage {
            HostileImage(
                description, "vhdx",
                sound.with {
                    change(&$0)
                    $0.closeVhdx()
                }, reason)
        }
        let (head, regions, metadata) = (64 << 10, 192 << 10, ForgedFile.table)
        let (first, second) = (regions + 16, regions + 48)
        return [
            image("a differencing disk", "parent") { $0.put([2], at: metadata + 65536 + 4) },
            image("a parent locator that names a file of the host", "parent") {
                $0.putLittle(UInt16(6), at: metadata + 10)
                let name = Array(canary.utf16).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
                $0.putItem(5, .parentLocator, offset: 4096, name)
            },
            image("a log that is still to be replayed", "was not closed") {
                $0.putTwice(UInt64(1), at: head + 48)
            },
            image("a version that nobody knows", "version 2") { $0.putTwice(UInt16(2), at: head + 66) },
            HostileImage(
                "two damaged headers", "vhdx",
                sound.with {
                    $0.put([9], at: head + 100)
                    $0.put([9], at: 2 * head + 100)
                }, "checksum of its headers"),
            image("two headers with the same number that differ", "both headers") {
                $0.putLittle(UInt64(8), at: head + 8)
                $0.putLittle(UInt64(5), at: head + 16)
            },
            HostileImage(
                "a damaged region table", "vhdx", sound.with { $0.putTwice(UInt32(9), at: regions + 4096) },
                "checksum of its region table"),
            image("two region tables that differ", "region table") {
                $0.putLittle(UInt64(3 << 20), at: first + 16)
                $0.putLittle(UInt64(2 << 20), at: second + 16)
            },
            image("2^32 regions (CVE-2014-0144)", "number of regions") { $0.putTwice(UInt32.max, at: regions + 8) },
            image("no region", "number of regions") { $0.putTwice(UInt32(0), at: regions + 8) },
            image("metadata behind the end", "offset of a region") { $0.putTwice(UInt64(1) << 40, at: first + 16) },
            image("metadata whose end overflows", "offset of a region") {
                $0.putTwice(UInt64.max - 0xf_ffff, at: first + 16)
            },
            image("metadata over the headers", "offset of a region") { $0.putTwice(UInt64(0), at: first + 16) },
            image("a block table over the metadata", "offset of a region") {
                $0.putTwice(UInt64(2 << 20), at: second + 16)
            },
            image("a block table over the log", "offset of a region") { $0.putTwice(UInt64(1 << 20), at: second + 16) },
            image("a block table of no bytes", "offset of a region") { $0.putTwice(UInt32(0), at: second + 24) },
            image("metadata twice", "twice") {
                for copy in [0, 64 << 10] { $0.putRegion(.metadata, offset: 3 << 20, at: second + copy) }
            },
            image("a region that nobody knows", "a region") { $0.putTwice(UInt64(1), at: second) },
            image("a log behind the end", "offset of a region") { $0.putTwice(UInt64(1) << 40, at: head + 72) },
            image("metadata without their signature", "signature") { $0.put("METADATA", at: metadata) },
            image("65,535 metadata", "number of metadata") { $0.putLittle(UInt16.max, at: metadata + 10) },
            image("an item of metadata that nobody knows", "an item of its metadata") {
                $0.put([1], at: metadata + 32 + 64)
            },
            image("an item of metadata behind the end", "offset of") {
                $0.putLittle(UInt32.max - 8, at: metadata + 32 + 32 + 16)
            },
            image("an item of metadata over their table", "offset of an item") {
                $0.putLittle(UInt32(32), at: metadata + 32 + 32 + 16)
            },
            image("blocks of no bytes (CVE-2014-0144)", "block size") {
                $0.putLittle(UInt32(0), at: metadata + 65536)
            },
            image("sectors of no bytes", "logical sector size") { $0.putLittle(UInt32(0), at: metadata + 65536 + 32) },
            image("a disk of 2^63 bytes (CVE-2014-0143)", "disk's size") {
                $0.putLittle(UInt64(1) << 63, at: metadata + 65536 + 8)
            },
            image("a block table too short for the disk (CVE-2014-0143)", "length of the block table") {
                $0.putLittle(UInt64(1) << 45, at: metadata + 65536 + 8)
            },
            HostileImage(
                "the first half MiB alone", "vhdx",
                sound.with { $0.bytes.removeLast($0.bytes.count - 512 << 10) }, "cut short"),
            HostileImage("a raw image", "vhdx", ForgedFile(size: 4 << 20), "not a VHDX"),
        ]
    }
}
