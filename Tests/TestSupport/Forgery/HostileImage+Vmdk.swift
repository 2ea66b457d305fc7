// SPDX-License-Identifier: Apache-2.0

extension ForgedFile {
    private static let extent = #"RW 2048 SPARSE "disk.vmdk""#

    /// A descriptor as VMware's and qemu's programs write it.
    fileprivate static func descriptor(
        parent: String = "ffffffff", type: String = "monolithicSparse", extents: String = extent, more: String = ""
    ) -> String {
        """
        # Disk DescriptorFile
        version=1
        CID=7a1cb2de
        parentCID=\(parent)
        createType="\(type)"

        # Extent description
        \(extents)

        # The Disk Data Base
        #DDB

        ddb.virtualHWVersion = "4"
        ddb.geometry.cylinders = "2"
        \(more)

        """
    }

    /// A sound, empty disk of 1 MiB: header, descriptor, grain directory, grain table.
    package static func vmdk() -> ForgedFile {
        var file = ForgedFile(size: 128 * 512)
        file.put("KDMV", at: 0)
        file.putLittle(UInt32(1), at: 4)
        file.putLittle(UInt32(1), at: 8)  // Flags: the line ends below.
        file.putLittle(UInt64(2048), at: 12)  // Sectors of the disk and of a grain,
        file.putLittle(UInt64(128), at: 20)
        file.putLittle(UInt64(1), at: 28)  // the descriptor,
        file.putLittle(UInt64(20), at: 36)
        file.putLittle(UInt32(512), at: 44)  // entries in a table,
        file.putLittle(UInt64(21), at: 56)  // the directory, and all before the first grain.
        file.putLittle(UInt64(128), at: 64)
        file.put([0x0a, 0x20, 0x0d, 0x0a], at: 73)
        file.put(descriptor(), at: 512)
        file.putLittle(UInt32(22), at: 21 * 512)
        return file
    }

    /// The same as VirtualBox describes it: among its entries are the numbers of a parent that there is not.
    package static func vmdkOfVirtualBox() -> ForgedFile {
        let none = "00000000-0000-0000-0000-000000000000"
        return vmdk().with {
            $0.describe(
                descriptor(
                    more: """
                        ddb.adapterType="ide"
                        ddb.uuid.image="6a0b4f0e-1111-4222-8333-444455556666"
                        ddb.uuid.modification="\(none)"
                        ddb.uuid.parent="\(none)"
                        ddb.uuid.parentmodification="\(none)"
                        """))
        }
    }

    fileprivate mutating func describe(_ descriptor: String) {
        put(repeatElement(0, count: 20 * 512), at: 512)
        put(descriptor, at: 512)
    }
}

extension HostileImage {
    static func vmdk(after canary: String) -> [HostileImage] {
        func image(
            _ description: String, _ reason: String, _ change: (inout ForgedFile) -> Void
        ) -> HostileImage {
            HostileImage(description, "vmdk", ForgedFile.vmdk().with(change), reason)
        }
        func described(_ description: String, _ reason: String, _ descriptor: String) -> HostileImage {
            image(description, reason) { $0.describe(descriptor) }
        }
        let flat = ForgedFile.descriptor(type: "monolithicFlat", extents: #"RW 2048 FLAT "\#(canary)" 0"#)
        let hint = #"parentFileNameHint="\#(canary)""#
        return [
            HostileImage(
                "a descriptor alone that names a file of the host (CVE-2024-32498)", "vmdk",
                ForgedFile(size: 0).with { $0.put(flat, at: 0) }, "another file"),
            image("a disk of no sectors, whose descriptor names a file of the host (CVE-2024-32498)", "sectors") {
                $0.putLittle(UInt64(0), at: 12)
                $0.describe(flat)
            },
            described("a flat extent in a file of the host", "another file", flat),
            described(
                "a sparse extent in a file of the host", "another file",
                ForgedFile.descriptor(extents: #"RW 2048 SPARSE "\#(canary)""#)),
            described(
                "an extent that is json:", "another file",
                ForgedFile.descriptor(extents: #"RW 2048 SPARSE "json:{}""#)),
            described(
                "an extent over the network", "another file",
                ForgedFile.descriptor(extents: #"RW 2048 SPARSE "nbd:127.0.0.1:10809""#)),
            described(
                "a second extent", "2 extents",
                ForgedFile.descriptor(
                    extents: "RW 2048 SPARSE \"disk.vmdk\"\nRW 2048 SPARSE \"disk-2.vmdk\"")),
            described("no extent", "0 extents", ForgedFile.descriptor(extents: "")),
            described(
                "an extent of another size", "size of the extent",
                ForgedFile.descriptor(extents: #"RW 4096 SPARSE "disk.vmdk""#)),
            described("extents in several files", "createType", ForgedFile.descriptor(type: "twoGbMaxExtentSparse")),
            described("a device of the host", "createType", ForgedFile.descriptor(type: "fullDevice")),
            described("a parent by its number", "parent", ForgedFile.descriptor(parent: "12345678")),
            described("a parent by its name", "parent", ForgedFile.descriptor(more: hint)),
            described("a parent's name in a comment", "parent", ForgedFile.descriptor(more: "# " + hint)),
            described(
                "a parent's name under a mark that only characters hide", "parent",
                ForgedFile.descriptor(more: "# parentFileNameHint\u{301}\(canary)\"")),
            described(
                "a parent by VirtualBox's number", "another file",
                ForgedFile.descriptor(more: #"ddb.uuid.parent="6a0b4f0e-0000-4000-8000-000000000001""#)),
            described(
                "a file of changes", "another file", ForgedFile.descriptor(more: #"changeTrackPath="\#(canary)""#)),
            described("a second parentCID", "second line", ForgedFile.descriptor(more: "parentCID=12345678")),
            described("a line without a meaning", "the line", ForgedFile.descriptor(more: "include")),
            image("a parent's name behind the descriptor's end", "descriptor") {
                $0.describe(String(ForgedFile.descriptor().prefix(120)) + String(repeating: "#", count: 400) + hint)
                $0.putLittle(UInt64(1), at: 36)
            },
            image("a descriptor somewhere else", "offset of the descriptor") {
                $0.putLittle(UInt64(40), at: 28)
                $0.put(flat, at: 40 * 512)
            },
            image("grains of no sectors (CVE-2014-0142 and after)", "grain size") { $0.putLittle(UInt64(0), at: 20) },
            image("grains of 2^40 sectors (CVE-2014-0144)", "grain size") { $0.putLittle(UInt64(1) << 40, at: 20) },
            image("grain tables of 2^32 entries (CVE-2014-0143)", "grain table") {
                $0.putLittle(UInt32.max, at: 44)
            },
            image("a disk of 2^63 sectors (CVE-2014-0143)", "number of sectors") {
                $0.putLittle(UInt64(1) << 63, at: 12)
            },
            image("a directory behind the end", "directory") { $0.putLittle(UInt64(1) << 40, at: 56) },
            image("a directory whose place overflows", "directory") { $0.putLittle(UInt64.max - 1, at: 56) },
            image("a directory over the header", "directory") { $0.putLittle(UInt64(0), at: 56) },
            image("a directory that a missing footer names", "marker at the end") {
                $0.putLittle(UInt64.max, at: 56)
            },
            image("a footer that describes another disk", "second header") {
                let header = Array($0.bytes.prefix(512))
                $0.putLittle(UInt64.max, at: 56)
                $0.put([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3], at: 125 * 512)
                $0.put(header, at: 126 * 512)
                $0.putLittle(UInt64(4096), at: 126 * 512 + 12)
            },
            image("headers behind the end", "size of the headers") { $0.putLittle(UInt64(1) << 40, at: 64) },
            image("a compression that nobody knows", "compression 9") {
                $0.putLittle(UInt32(0x3_0001), at: 8)
                $0.putLittle(UInt16(9), at: 77)
            },
            image("line ends that were converted", "line end") { $0.put([0x0d], at: 73) },
            image("version 9", "version 9") { $0.putLittle(UInt32(9), at: 4) },
            image("the old format of ESX", "COWD") { $0.put("COWD", at: 0) },
        ]
    }
}
