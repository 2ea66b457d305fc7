// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import ImageHeaders
import TestSupport
import Testing

/// What is said of images from outside, on sound ones, on hostile ones and on damaged ones.
@Suite struct ImageHeadersTests {
    /// - Returns: the size of the disk.
    private func check(_ image: ForeignImage, _ format: String) throws -> UInt64 {
        switch format {
        case "qcow2": try Qcow2Header.check(image)
        case "vhd": try VhdFooter.check(image)
        case "vmdk": try VmdkHeader.check(image)
        case "vhdx": try VhdxHeader.check(image)
        default: try VdiHeader.check(image)
        }
    }

    @Test func `the sound images are accepted`() throws {
        let sizes = try HostileImage.sound.map { try check(ForeignImage($0.file.bytes), $0.format) }
        let expected: [UInt64] = [1 << 20, 2 << 20, 64 << 10, 1 << 20, 8 << 20, 2 << 20]
        #expect(sizes == expected)
    }

    @Test func `each hostile image is refused for its own reason`() throws {
        let images = HostileImage.all(after: "/etc/canary")
        #expect(images.count > 130)
        #expect(Set(images.map(\.description)).count == images.count)
        for image in images {
            let error = #expect(throws: (any Error).self, "\(image)") {
                try check(ForeignImage(image.file.bytes), image.format)
            }
            let words = error.map { "\($0)" } ?? ""
            #expect(words.contains(image.reason), "\(image): \(words)")
        }
    }

    @Test func `a disk of VirtualBox's is accepted, whose parent's number is that of none`() throws {
        #expect(try check(ForeignImage(ForgedFile.vmdkOfVirtualBox().bytes), "vmdk") == 1 << 20)
    }

    @Test func `a stream whose tables are named at its end is accepted`() throws {
        var file = ForgedFile.vmdk()
        let header = Array(file.bytes.prefix(512))
        file.putLittle(UInt64.max, at: 56)
        file.put([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3], at: 125 * 512)
        file.put(header, at: 126 * 512)
        #expect(try check(ForeignImage(file.bytes), "vmdk") == 1 << 20)
    }

    /// The specification gives the number for an offset of 64 bits with 32.
    @Test(arguments: [UInt64.max, 0xffff_ffff])
    func `a VHD that has no further header says so with 64 bits or 32`(_ offset: UInt64) throws {
        #expect(try check(ForeignImage(ForgedFile.fixedVhd(header: offset).bytes), "vhd") == 64 << 10)
        var dynamic = ForgedFile.dynamicVhd()
        dynamic.putBig(offset, at: 512 + 8)
        dynamic.closeVhd()
        #expect(try check(ForeignImage(dynamic.bytes), "vhd") == 2 << 20)
    }

    @Test(arguments: [0, 512, 0xffff_fffe, 0xffff_ffff_0000_0000] as [UInt64])
    func `a VHD whose offset leads somewhere although nothing follows is refused`(_ offset: UInt64) throws {
        #expect(throws: (any Error).self) {
            try check(ForeignImage(ForgedFile.fixedVhd(header: offset).bytes), "vhd")
        }
        var dynamic = ForgedFile.dynamicVhd()
        dynamic.putBig(offset, at: 512 + 8)
        dynamic.closeVhd()
        #expect(throws: (any Error).self) { try check(ForeignImage(dynamic.bytes), "vhd") }
    }

    @Test func `a VHDX with one damaged header is read by the other`() throws {
        var file = ForgedFile.vhdx()
        file.bytes[128 << 10 + 200] = 9
        #expect(try check(ForeignImage(file.bytes), "vhdx") == 8 << 20)
    }

    @Test func `a file that ends anywhere is refused`() throws {
        for (format, file) in HostileImage.sound {
            // The level-1 table of the qcow2 fills the beginning of its cluster only.
            let bytes = format == "qcow2" ? Array(file.bytes.prefix(3 * 4096 + 8)) : file.bytes
            let step = max(1, bytes.count / 700)
            for count in Array(stride(from: 0, to: bytes.count - 1, by: step)) + [bytes.count - 1] {
                #expect(throws: (any Error).self, "\(format) of \(count) bytes") {
                    try check(ForeignImage(Array(bytes.prefix(count))), format)
                }
            }
        }
    }

    /// Changes any bytes of the headers, with right checksums every other time. That nothing traps is the point; and of
    /// what is still accepted the size makes sense.
    @Test func `no damage to a header is a trap`() throws {
        var random = SplitMix(state: 7)
        let hostile = HostileImage.all(after: "/etc/canary").map { (format: $0.format, file: $0.file) }
        for (format, file) in HostileImage.sound + hostile where !file.bytes.isEmpty {
            for _ in 0..<(format == "vhdx" ? 20 : 200) {
                var damaged = file
                for _ in 0...random.next() % 4 {
                    let offset = place(format, &random)
                    guard offset < damaged.bytes.count else { continue }
                    let extremes: [UInt8] = [0, 1, 0x7f, 0x80, 0xff, UInt8(truncatingIfNeeded: random.next())]
                    let value = extremes[Int(random.next() % 6)]
                    let run = random.next() % 2 == 0 ? 1 : 8
                    damaged.put(repeatElement(value, count: run).prefix(damaged.bytes.count - offset), at: offset)
                }
                if random.next() % 2 == 0, format == "vhdx" { damaged.closeVhdx() }
                if random.next() % 2 == 0, format == "vhd", damaged.bytes.count == 2560 { damaged.closeVhd() }
                if let size = try? check(ForeignImage(damaged.bytes), format) {
                    #expect(size > 0 && size % 512 == 0 && size <= ForeignImage.largestDisk, "\(format): \(size)")
                }
            }
        }
    }

    /// A place in the headers of a sound image.
    private func place(_ format: String, _ random: inout SplitMix) -> Int {
        let number = Int(random.next() >> 8)
        switch format {
        case "vhd": return number % 1600
        case "vhdx":
            return [64 << 10, 128 << 10, 192 << 10, 256 << 10, 2 << 20, 2 << 20 + 65536][number % 6] + number / 8 % 200
        default: return number % 1100
        }
    }

    @Test func `the checksum is CRC-32C`() {
        // A test value of RFC 3720: 32 zeros, so that the place that counts as zeros is no matter.
        #expect(VhdxChecksum.of([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    }
}
