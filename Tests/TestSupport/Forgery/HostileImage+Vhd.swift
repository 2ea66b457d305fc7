// SPDX-License-Identifier: Apache-2.0

extension ForgedFile {
    private static func vhdFooter(type: UInt32, size: UInt64, header: UInt64) -> ForgedFile {
        var footer = ForgedFile(size: 512)
        footer.put("conectix", at: 0)
        footer.putBig(UInt32(2), at: 8)
        footer.putBig(UInt32(0x1_0000), at: 12)
        footer.putBig(header, at: 16)
        footer.put("win ", at: 28)
        footer.putBig(UInt32(0x1_0000), at: 32)
        footer.put("Wi2k", at: 36)
        footer.putBig(size, at: 40)
        footer.putBig(size, at: 48)
        footer.put([0, 60, 4, 17], at: 56)
        footer.putBig(type, at: 60)
        footer.put(1...16, at: 68)
        return footer
    }

    /// A sound, empty disk of 2 MiB: footer, dynamic header, block table, footer.
    package static func dynamicVhd() -> ForgedFile {
        var file = vhdFooter(type: 3, size: 2 << 20, header: 512)
        file.put("cxsparse", at: 512)
        file.putBig(UInt64.max, at: 520)
        file.putBig(UInt64(1536), at: 528)  // The block table: where, and its entries.
        file.putBig(UInt32(0x1_0000), at: 536)
        file.putBig(UInt32(1), at: 540)
        file.putBig(UInt32(2 << 20), at: 544)  // Bytes in a block.
        file.put(repeatElement(0xff, count: 512), at: 1536)
        file.closeVhd()
        return file
    }

    /// A sound disk of 64 KiB of zeros and its footer.
    /// - Parameter header: what stands where other disks say where their header is.
    package static func fixedVhd(header: UInt64 = .max) -> ForgedFile {
        var file = ForgedFile(size: 64 << 10)
        file.put(
            vhdFooter(type: 2, size: 64 << 10, header: header).with { $0.sumVhd(0..<512, at: 64) }.bytes, at: 64 << 10)
        return file
    }

    /// Puts the checksums of a dynamic disk right and its footer to the end.
    package mutating func closeVhd() {
        sumVhd(0..<512, at: 64)
        sumVhd(512..<1536, at: 36)
        bytes.removeLast(bytes.count - 2048)
        put(Array(bytes.prefix(512)), at: 2048)
    }

    private mutating func sumVhd(_ range: Range<Int>, at offset: Int) {
        let place = range.lowerBound + offset
        putBig(UInt32(0), at: place)
        putBig(~bytes[range].reduce(UInt32(0)) { $0 &+ UInt32($1) }, at: place)
    }
}

extension HostileImage {
    static func vhd(after canary: String) -> [HostileImage] {
        func image(
            _ description: String, _ reason: String, _ change: (inout ForgedFile) -> Void
        ) -> HostileImage {
            HostileImage(
                description, "vhd",
                ForgedFile.dynamicVhd().with {
                    change(&$0)
                    $0.closeVhd()
                }, reason)
        }
        func locate(_ file: inout ForgedFile) {
            file.put("W2ku", at: 512 + 576)
            file.putBig(UInt32(1), at: 512 + 580)
            file.putBig(UInt32(canary.utf8.count), at: 512 + 584)
            file.putBig(UInt64(1536), at: 512 + 592)
            file.put(canary, at: 1536)
        }
        let fixed = ForgedFile.fixedVhd()
        return [
            image("a differencing disk over a file of the host", "differencing") {
                $0.putBig(UInt32(4), at: 60)
                locate(&$0)
            },
            image("a dynamic disk with a parent locator", "VHD") { locate(&$0) },
            image("a dynamic disk with a parent's name", "names a parent") {
                $0.put([0, UInt8(ascii: "x")], at: 512 + 64)
            },
            image("a dynamic disk with a parent's identifier", "names a parent") { $0.put([1], at: 512 + 40) },
            HostileImage(
                "a guest's own dynamic footer before a fixed disk", "vhd",
                fixed.with { $0.put(ForgedFile.dynamicVhd().bytes.prefix(1536), at: 0) },
                "unlike the one at the beginning"),
            HostileImage(
                "a fixed disk in a shorter file", "vhd", fixed.with { $0.bytes.removeFirst(512) }, "current size"),
            HostileImage("a file that ends within a sector", "vhd", fixed.with { $0.bytes.append(0) }, "cut short"),
            HostileImage("a raw image", "vhd", ForgedFile(size: 1 << 16), "not a VHD"),
            HostileImage(
                "a footer whose checksum is wrong", "vhd", fixed.with { $0.bytes[(64 << 10) + 44] ^= 1 }, "checksum"),
            image("a block table of 2^32 entries (CVE-2014-0144)", "table entries") {
                $0.putBig(UInt32.max, at: 540)
            },
            image("a block table too short for the disk (CVE-2014-0143)", "table entries") {
                $0.putBig(UInt64(1 << 40), at: 48)
            },
            image("a block table behind the end", "offset of the block table") { $0.putBig(UInt64(1 << 40), at: 528) },
            image("a block table over the header", "offset of the block table") { $0.putBig(UInt64(512), at: 528) },
            image("blocks of no bytes (CVE-2014-0144)", "block size") { $0.putBig(UInt32(0), at: 544) },
            image("blocks of 2 GiB (CVE-2014-0144)", "block size") { $0.putBig(UInt32(1) << 31, at: 544) },
            image("a block behind the end", "place of a block") { $0.putBig(UInt32(8), at: 1536) },
            image("a dynamic header behind the end", "cut short") { $0.putBig(UInt64(1 << 32), at: 16) },
            image("a disk of 2^63 bytes", "current size") { $0.putBig(UInt64(1) << 63, at: 48) },
        ]
    }
}
