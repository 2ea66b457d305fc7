// SPDX-License-Identifier: Apache-2.0

import FileLayer
import Foundation
import MasterLint
import Testing

/// Tables that sfdisk wrote, read as sfdisk reads them; and tables that nobody would write.
@Suite struct PartitionTableTests {
    private func found(_ image: GuestImage) throws -> [Partition] {
        try PartitionTable.partitions(of: try PosixFiles().open(image.path, .read))
    }

    /// What sfdisk says of the image: number, offset, length.
    private func judged(_ image: GuestImage) throws -> [[Int64]] {
        let json = try GuestImage.run("sfdisk", ["--json", image.path])
        let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        let table = try #require(object?["partitiontable"] as? [String: Any])
        let partitions = try #require(table["partitions"] as? [[String: Any]])
        return try partitions.filter {
            !["5", "f", "21686148-6449-6E6F-744E-656564454649"].contains($0["type"] as? String)
        }
        .map { part in
            let node = try #require(part["node"] as? String)
            return [
                try #require(Int64(node.dropFirst(image.path.count))),
                try #require(part["start"] as? Int64) * 512, try #require(part["size"] as? Int64) * 512,
            ]
        }
    }

    @Test(arguments: [
        "label: dos\n2048,2048,83\n4096,8192,82\n,,83,*\n",
        "label: dos\n2048,2048,83\n4096,20000,5\n6144,2048,83\n,2048,83\n,1M\n",
        "label: gpt\n,1M,21686148-6449-6E6F-744E-656564454649\n,2M\n,,L\n", "label: gpt\n2048,2048\n",
    ])
    func `partitions are where sfdisk put them`(_ script: String) throws {
        let image = try GuestImage(mebibytes: 16)
        try image.partition(script)
        let judged = try judged(image)
        #expect(try found(image).map { [Int64($0.number ?? 0), $0.offset, $0.length] } == judged)
        #expect(judged.count > 0)
    }

    @Test func `an image without a table is one part`() throws {
        let image = try GuestImage(mebibytes: 1)
        let whole = [Partition(number: nil, offset: 0, length: 1 << 20)]
        #expect(try found(image) == whole)
        // The boot sector of a FAT file system ends like an MBR.
        try image.write([0x55, 0xaa], at: 510)
        #expect(try found(image) == whole)
        try image.write(Array("This is not a bootable disk. Please insert a floppy".utf8), at: 440)
        #expect(try found(image) == whole)
        for size: Int64 in [0, 1, 511, 513] {
            try PosixFiles().open(image.path, .update).truncate(to: size)
            #expect(try found(image) == [Partition(number: nil, offset: 0, length: size)])
        }
    }

    @Test func `a chain of logical partitions that bites its tail ends`() throws {
        let image = try GuestImage(mebibytes: 16)
        try image.partition("label: dos\n2048,20000,5\n4096,2048,83\n")
        // The first link names itself as the next.
        var link = [UInt8](repeating: 0, count: 66)
        link[4] = 0x83
        link[8] = 8
        link[12] = 8
        link[16 + 4] = 5
        link[16 + 12] = 8
        link[64] = 0x55
        link[65] = 0xaa
        try image.write(link, at: 2048 * 512 + 446)
        let partitions = try found(image)
        #expect(partitions.count <= PartitionTable.most && !partitions.isEmpty)
    }

    @Test func `whatever a table says, parts lie within the image`() throws {
        let image = try GuestImage(mebibytes: 4)
        try image.partition("label: gpt\n,1M\n,,L\n")
        let size: Int64 = 4 << 20
        var generator = SystemRandomNumberGenerator()
        for round in 0..<2000 {
            // The header's places and counts, and the first entries' sectors.
            let place = [512 + 72, 512 + 80, 512 + 84, 1024 + 32, 1024 + 40, 1152 + 32, 1152 + 40, 446 + 8]
                .randomElement(
                    using: &generator)
            let before = try image.bytes()
            let number = [0, 1, .max, .max / 512, 1 << 55, 1 << 32].randomElement(using: &generator) ?? UInt64(round)
            try image.write(withUnsafeBytes(of: number.littleEndian) { Array($0) }, at: Int64(try #require(place)))
            for part in try found(image) {
                #expect(part.offset >= 0 && part.length >= 0 && part.offset <= size - part.length)
            }
            if round % 4 == 0 { try image.write(Array(before.prefix(4096)), at: 0) }
        }
    }
}
