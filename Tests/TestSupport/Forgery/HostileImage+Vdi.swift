// SPDX-License-Identifier: Apache-2.0

extension ForgedFile {
    /// A sound, empty disk of 2 MiB: header and block table.
    package static func vdi() -> ForgedFile {
        var file = ForgedFile(size: 1024)
        file.put("<<< Oracle VM VirtualBox Disk Image >>>\n", at: 0)
        for (offset, number) in [
            (64, 0xbeda_107f), (68, 0x1_0001), (72, 400), (76, 1), (340, 512), (344, 1024), (360, 512), (376, 1 << 20),
            (384, 2),
        ] as [(Int, UInt32)] { file.putLittle(number, at: offset) }
        file.putLittle(UInt64(2 << 20), at: 368)
        file.put(1...32, at: 392)
        file.put(repeatElement(0xff, count: 8), at: 512)
        return file
    }
}

extension HostileImage {
    static var vdi: [HostileImage] {
        func image(
            _ description: String, _ reason: String, _ change: (inout ForgedFile) -> Void
        ) -> HostileImage {
            HostileImage(description, "vdi", ForgedFile.vdi().with(change), reason)
        }
        return [
            image("a differencing disk", "parent") { $0.putLittle(UInt32(4), at: 76) },
            image("a parent's identifier", "parent") { $0.put([1], at: 440) },
            image("a type that nobody knows", "image type") { $0.putLittle(UInt32(9), at: 76) },
            image("a version that nobody knows", "version") { $0.putLittle(UInt32(2), at: 68) },
            image("a disk of 2^63 bytes (CVE-2014-0144)", "disk's size") { $0.putLittle(UInt64(1) << 63, at: 368) },
            image("2^32 blocks (CVE-2014-0144)", "number of blocks") { $0.putLittle(UInt32.max, at: 384) },
            image("blocks of no bytes (CVE-2014-0144)", "block size") { $0.putLittle(UInt32(0), at: 376) },
            image("blocks behind the end", "allocated blocks") { $0.putLittle(UInt32(1), at: 388) },
            image("a block table over the header", "offset of the block table") { $0.putLittle(UInt32(0), at: 340) },
            image("blocks over the table", "offset of the blocks") { $0.putLittle(UInt32(512), at: 344) },
            image("sectors of no bytes", "sector size") { $0.putLittle(UInt32(0), at: 360) },
            image("another format's first bytes", "not a VDI") { $0.put([0], at: 64) },
        ]
    }
}
