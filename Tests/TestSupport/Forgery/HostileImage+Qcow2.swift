// SPDX-License-Identifier: Apache-2.0

extension ForgedFile {
    /// A sound, empty disk of 1 MiB in clusters of 4 KiB: header, refcount table, refcount block, level-1 table.
    package static func qcow2() -> ForgedFile {
        var file = ForgedFile(size: 4 * 4096)
        file.put([0x51, 0x46, 0x49, 0xfb], at: 0)
        file.putBig(UInt32(3), at: 4)
        file.putBig(UInt32(12), at: 20)  // Cluster bits.
        file.putBig(UInt64(1 << 20), at: 24)
        file.putBig(UInt32(1), at: 36)  // Level-1 entries and where they are,
        file.putBig(UInt64(3 * 4096), at: 40)
        file.putBig(UInt64(4096), at: 48)  // the refcount table and its clusters.
        file.putBig(UInt32(1), at: 56)
        file.putBig(UInt32(4), at: 96)  // Refcount order.
        file.putBig(UInt32(104), at: 100)  // Header length.
        file.putBig(UInt64(2 * 4096), at: 4096)
        for cluster in 0..<4 { file.putBig(UInt16(1), at: 2 * 4096 + 2 * cluster) }
        return file
    }

    /// Names a backing file.
    fileprivate mutating func back(_ name: String) {
        put(name, at: 1024)
        putBig(UInt64(1024), at: 8)
        putBig(UInt32(name.utf8.count), at: 16)
    }

    /// Adds a header extension, the first one.
    fileprivate mutating func extend(_ type: UInt32, _ content: [UInt8], length: UInt32? = nil) {
        putBig(type, at: 104)
        putBig(length ?? UInt32(content.count), at: 108)
        put(content, at: 112)
    }

    fileprivate static let dataFile: UInt32 = 0x4441_5441
}

extension HostileImage {
    static func qcow2(after canary: String) -> [HostileImage] {
        func image(
            _ description: String, _ reason: String, _ change: (inout ForgedFile) -> Void
        ) -> HostileImage {
            HostileImage(description, "qcow2", ForgedFile.qcow2().with(change), reason)
        }
        let json = #"json:{"driver":"raw","file":{"driver":"file","filename":"\#(canary)"}}"#
        return [
            image("a file of the host as backing file (CVE-2015-5163)", "backing file") { $0.back(canary) },
            image("a backing file as json: (CVE-2015-5163)", "backing file") { $0.back(json) },
            image("a backing file over the network", "backing file") { $0.back("nbd://127.0.0.1:10809/x") },
            image("a backing file in version 2", "backing file") {
                $0.putBig(UInt32(2), at: 4)
                $0.back(canary)
            },
            image("a backing file with its format", "backing file") {
                $0.extend(0xe279_2aca, Array("raw".utf8))
                $0.back(canary)
            },
            image("a backing file without a name", "backing file") { $0.putBig(UInt64(1024), at: 8) },
            image("a backing file's name outside of the first cluster", "backing file's name") {
                $0.putBig(UInt64(4096), at: 8)
                $0.putBig(UInt32(200), at: 16)
            },
            image("a backing file's name of 4 GiB", "backing file's name") {
                $0.back(canary)
                $0.putBig(UInt32.max, at: 16)
            },
            image("a file of the host as data file (CVE-2024-32498)", "external data file") {
                $0.putBig(UInt64(4), at: 72)
                $0.extend(ForgedFile.dataFile, Array(canary.utf8))
            },
            image("a data file as json: (CVE-2024-32498)", "external data file") {
                $0.putBig(UInt64(4), at: 72)
                $0.extend(ForgedFile.dataFile, Array(json.utf8))
            },
            image("a data file's name without the bit (CVE-2024-32498)", "external data file") {
                $0.extend(ForgedFile.dataFile, Array(canary.utf8))
            },
            image("a data file without a name (CVE-2024-32498)", "external data file") { $0.putBig(UInt64(4), at: 72) },
            image("a data file behind an extension that nobody knows", "external data file") {
                $0.extend(0x1234_5678, Array("padding!".utf8))
                $0.putBig(ForgedFile.dataFile, at: 120)
                $0.putBig(UInt32(canary.utf8.count), at: 124)
                $0.put(canary, at: 128)
            },
            image("a level-1 table of 2 GiB (CVE-2014-0143)", "level-1 entries") {
                $0.putBig(UInt32(0x1000_0000), at: 36)
            },
            image("a level-1 table too small for the disk (CVE-2014-0143)", "level-1 entries") {
                $0.putBig(UInt64(1 << 40), at: 24)
            },
            image("a level-1 table whose end overflows (CVE-2014-0143)", "level-1 table") {
                $0.putBig(UInt64.max - 4095, at: 40)
            },
            image("a level-1 table behind the end", "level-1 table") { $0.putBig(UInt64(1 << 32), at: 40) },
            image("a header of 4 GiB (CVE-2014-0144)", "header's length") { $0.putBig(UInt32.max - 7, at: 100) },
            image("a refcount table of 2^32 clusters (CVE-2014-0144)", "refcount table") {
                $0.putBig(UInt32.max, at: 56)
            },
            image("a refcount table between clusters (CVE-2014-0144)", "refcount table") {
                $0.putBig(UInt64(4097), at: 48)
            },
            image("a refcount table behind the end (CVE-2014-0144)", "refcount table") {
                $0.putBig(UInt64(1 << 40), at: 48)
            },
            image("a header extension beyond the cluster (CVE-2014-0144)", "header extension") {
                $0.extend(0x6803_f857, [], length: 0xffff_fff0)
            },
            image("refcounts of 2^31 bits", "refcount order") { $0.putBig(UInt32(31), at: 96) },
            image("clusters of 2^63 bytes", "cluster size") { $0.putBig(UInt32(63), at: 20) },
            image("clusters of one byte", "cluster size") { $0.putBig(UInt32(0), at: 20) },
            image("a snapshot with a table of 2 GiB (CVE-2014-0145)", "snapshots") {
                $0.putBig(UInt32(1), at: 60)
                $0.putBig(UInt64(4 * 4096), at: 64)
                $0.putBig(UInt64(3 * 4096), at: 4 * 4096)
                $0.putBig(UInt32(0x1000_0000), at: 4 * 4096 + 8)
            },
            image("snapshots behind the end (CVE-2014-0146)", "snapshots") {
                $0.putBig(UInt32(0xffff), at: 60)
                $0.putBig(UInt64(1 << 60), at: 64)
            },
            image("a disk of 2^63 bytes", "virtual size") { $0.putBig(UInt64(1) << 63, at: 24) },
            image("a disk of no bytes", "virtual size") { $0.putBig(UInt64(0), at: 24) },
            image("a disk that ends within a sector", "virtual size") { $0.putBig(UInt64(1 << 20) - 100, at: 24) },
            image("a feature that nobody knows", "features that are not known") { $0.putBig(UInt64(1) << 63, at: 72) },
            image("metadata that are marked corrupt", "corrupt") { $0.putBig(UInt64(2), at: 72) },
            image("encryption by AES", "encrypted") { $0.putBig(UInt32(1), at: 32) },
            image("encryption by LUKS", "encrypted") { $0.putBig(UInt32(2), at: 32) },
            image("an encryption header alone", "encrypted") {
                $0.extend(0x0537_be77, [UInt8](repeating: 0, count: 16))
            },
            image("a compression that nobody knows", "compression type") {
                $0.putBig(UInt64(8), at: 72)
                $0.putBig(UInt32(112), at: 100)
                $0.put([7], at: 104)
            },
            image("bitmaps behind the end", "bitmap directory") {
                $0.extend(0x2385_2875, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 1, 0, 0, 0, 0, 0])
            },
            image("version 4", "version 4") { $0.putBig(UInt32(4), at: 4) },
            image("the first bytes alone", "cut short") { $0.bytes.removeLast($0.bytes.count - 40) },
            image("another format's first bytes", "not a qcow2 file") { $0.put("KDMV", at: 0) },
        ]
    }

    /// A raw disk whose guest wrote a qcow2 header to its first sectors, which sends whoever guesses the format to a file
    /// of the host (CVE-2026-24708; uploaded as raw, it is the second way of CVE-2024-32498).
    package static func disguised(after canary: String) -> ForgedFile {
        ForgedFile.qcow2().with {
            $0.putBig(UInt64(4), at: 72)
            $0.extend(ForgedFile.dataFile, Array(canary.utf8))
        }
    }
}
