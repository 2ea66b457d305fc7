// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension EndToEnd {
    /// What a master may be made of, and what not.
    @Suite struct Sources {
        @Test func `a raw image with holes stays sparse`() async throws {
            try await Fleet.run { fleet in
                let image = try makeImage(fleet.path("base.raw"), mebibytes: 3, hole: 200 << 20)
                let store = fleet.path("store")
                try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
                let master = "\(store)/masters/base@1.raw"
                #expect(try await areIdentical(image, master))
                #expect(allocated(master) < 8 << 20)
            }
        }

        @Test func `what arrives over the network is sparse again`() async throws {
            try await Fleet.run { fleet in
                let image = try makeImage(fleet.path("base.raw"), mebibytes: 3, hole: 200 << 20)
                try await droverDoes(
                    "master create \(image) --name base --version 1 --store \(fleet.path("seed")) "
                        + "--out \(fleet.path("base.torrent"))")
                _ = try await fleet.peer("seed")
                let host = try await fleet.peer("host")
                try await droverDoes(
                    "master fetch \(fleet.path("base.torrent")) --tracker \(fleet.tracker) --wait --store \(host.store)"
                )
                #expect(try await areIdentical(image, host.master("base@1")))
                #expect(allocated(host.master("base@1")) < 8 << 20)
                #expect(try await host.status().master("base@1")?.received ?? 0 < 8 << 20)
            }
        }

        @Test(arguments: ["qcow2", "vmdk", "vhd", "vhdx", "vdi"])
        func `an image in another format gives the same master`(_ format: String) async throws {
            try await Fleet.run { fleet in
                // A size that every format can express to the byte.
                let raw = try makeImage(fleet.path("base.raw"), mebibytes: 8, hole: 8 << 20)
                let (image, store) = (fleet.path("base.\(format)"), fleet.path("store"))
                let driver = format == "vhd" ? "vpc -o force_size=on" : format
                try await tool("qemu-img convert -f raw -O \(driver) \(raw) \(image)")
                try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
                #expect(try await areIdentical(raw, "\(store)/masters/base@1.raw"))

                // The name says nothing here, the option does.
                let anonymous = fleet.path("disk.bin")
                try await tool("cp \(image) \(anonymous)")
                try await droverDoes(
                    "master create \(anonymous) --source-format \(format) --name base --version 2 --store \(store)")
                #expect(try await areIdentical(raw, "\(store)/masters/base@2.raw"))
            }
        }

        @Test func `a format that does not follow from the name has to be said`() async throws {
            try await Fleet.run { fleet in
                let (image, store) = (try makeImage(fleet.path("disk.bin"), mebibytes: 1), fleet.path("store"))
                try await droverRefuses(
                    "master create \(image) --name base --version 1 --store \(store)", with: 2,
                    saying: "--source-format")
                try await droverRefuses(
                    "master create \(image) --source-format luks --name base --version 1 --store \(store)", with: 2)
                #expect(access(store, F_OK) != 0)
                try await droverDoes(
                    "master create \(image) --source-format raw --name base --version 1 --store \(store)")
            }
        }

        @Test func `a qcow2 that leans on another file is refused`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                let base = try makeImage(fleet.path("base.raw"), mebibytes: 1)
                let secret = try makeImage(fleet.path("secret.raw"), mebibytes: 1, seed: 9)
                try await tool("qemu-img create -q -f qcow2 -F raw -b \(base) \(fleet.path("overlay.qcow2"))")
                try await tool(
                    "qemu-img create -q -f qcow2 -o data_file=\(fleet.path("data.raw")),data_file_raw=on "
                        + "\(fleet.path("split.qcow2")) 1M")
                // A sound image whose header was edited by hand to name a file of the host.
                try await tool("qemu-img convert -f raw -O qcow2 \(base) \(fleet.path("edited.qcow2"))")
                var bytes = try readFile(fleet.path("edited.qcow2"))
                let room = 4096
                bytes.replaceSubrange(room..<room + secret.utf8.count, with: secret.utf8)
                bytes.replaceSubrange(8..<16, with: [0, 0, 0, 0, 0, 0, UInt8(room >> 8), UInt8(room & 0xff)])
                bytes.replaceSubrange(16..<20, with: [0, 0, 0, UInt8(secret.utf8.count)])
                try writeFile(bytes, to: fleet.path("edited.qcow2"))
                for name in ["overlay", "split", "edited"] {
                    try await droverRefuses(
                        "master create \(fleet.path("\(name).qcow2")) --name base --version 1 --store \(store)",
                        with: 1,
                        saying: "\(name).qcow2")
                    #expect(try listing(store) == ["clones/", "masters/", "partial/"])
                }
            }
        }

        @Test func `a raw image that begins like a qcow2 stays raw`() async throws {
            try await Fleet.run { fleet in
                let (inner, store) = (fleet.path("inner.qcow2"), fleet.path("store"))
                try await tool("qemu-img create -q -f qcow2 \(inner) 64M")
                let image = fleet.path("guest.raw")
                try await tool("cp \(inner) \(image)")
                truncate(image, 4 << 20)
                try await droverDoes(
                    "master create \(image) --source-format raw --name guest --version 1 --store \(store)")
                #expect(try await areIdentical(image, "\(store)/masters/guest@1.raw"))
                // Its clone does not take the inner header for its own either.
                let clone = try await droverDoes("clone create guest vm --store \(store)").lines[0]
                let info = try await tool("qemu-img info \(clone)")
                #expect(info.contains("backing file format: raw") && info.contains("virtual size: 4 MiB"))
            }
        }

        @Test(arguments: ["raw", "qcow2"])
        func `an image that a virtual machine writes to is refused`(_ format: String) async throws {
            try await Fleet.run { fleet in
                let (image, store) = (fleet.path("disk.\(format)"), fleet.path("store"))
                try await tool("qemu-img create -q -f \(format) \(image) 16M")
                let machine = try await VirtualMachine(fleet, disk: image, format: format)
                let words = "master create \(image) --name base --version 1 --store \(store)"
                try await droverRefuses(words, with: 5, saying: "virtual machine")
                #expect(try listing(store) == ["clones/", "masters/", "partial/"])
                machine.kill()
                try await droverDoes(words)
            }
        }

        @Test func `an image that changes while it is read is refused`() async throws {
            try await Fleet.run { fleet in
                let store = fleet.path("store")
                let image = try makeImage(fleet.path("base.raw"), mebibytes: 64)
                let writer = try fleet.start(
                    "sh", ["-c", "while :; do printf x | dd of=\(image) bs=1 seek=99 conv=notrunc status=none; done"])
                try await droverRefuses(
                    "master create \(image) --name base --version 1 --store \(store)", with: 5, saying: "changed")
                #expect(try listing(store) == ["clones/", "masters/", "partial/"])
                writer.kill()
                try await droverDoes("master create \(image) --name base --version 1 --store \(store)")
            }
        }

        @Test func `a damaged image is refused with qemu's own words`() async throws {
            try await Fleet.run { fleet in
                let (image, store) = (fleet.path("bad.qcow2"), fleet.path("store"))
                // The headers are sound and what was compressed is not.
                let raw = fleet.path("base.raw")
                try writeFile((0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 / 997) }, to: raw)
                try await tool("qemu-img convert -c -f raw -O qcow2 \(raw) \(image)")
                var bytes = try readFile(image)
                for index in bytes.count * 3 / 4..<bytes.count { bytes[index] = 0xff }
                try writeFile(bytes, to: image)
                try await droverRefuses(
                    "master create \(image) --name bad --version 1 --store \(store)", with: 1, saying: "qemu-img")
                #expect(try listing(store) == ["clones/", "masters/", "partial/"])
            }
        }
    }
}
