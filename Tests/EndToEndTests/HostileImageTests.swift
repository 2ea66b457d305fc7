// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Images from outside that are out for other files, and what becomes of them; with strace as the witness.
    @Suite struct HostileImages {
        private static let emptyStore = ["clones/", "masters/", "partial/"]

        private static func create(_ image: String, _ store: String, _ more: String...) -> [String] {
            ["master", "create", image, "--name", "base", "--version", "1", "--store", store] + more
        }

        @Test(arguments: ["qcow2", "vhd", "vmdk", "vhdx", "vdi"])
        func `a hostile image is refused, and no other file is opened`(_ format: String) async throws {
            try await Fleet.run { fleet in
                let canary = try makeImage(fleet.path("canary"), mebibytes: 1)
                let (path, store) = (fleet.path("hostile.\(format)"), fleet.path("store"))
                for image in HostileImage.all(after: canary) where image.format == format {
                    try writeFile(image.file.bytes, to: path)
                    let trace = try await FileTrace(
                        of: Program.drover, Self.create(path, store), into: fleet.path("trace"))
                    #expect(trace.finished.status == 1, "\(image): \(trace.finished)")
                    #expect(trace.finished.output.isEmpty)
                    expectOneSentence(trace.finished.errors, saying: image.reason)
                    #expect(trace.finished.errors.contains("hostile.\(format) cannot be a source"), "\(image)")
                    #expect(!trace.mentions(canary), "\(image)")
                    #expect(trace.programs == ["drover"], "\(image)")
                    let others = trace.opened(below: fleet.folder.path).filter { !$0.hasPrefix(store) }
                    #expect(others == [path], "\(image)")
                    #expect(try listing(store) == Self.emptyStore, "\(image)")
                }
            }
        }

        @Test func `what the trace would show, had a tool opened them`() async throws {
            try await Fleet.run { fleet in
                let canary = try makeImage(fleet.path("canary"), mebibytes: 1)
                for image in HostileImage.all(after: canary)
                where ["CVE-2015-5163)", "CVE-2024-32498)"].contains(where: image.description.hasSuffix) {
                    // Newer programs take json: for the name of a file, and without one there is nothing to open.
                    if ["without", "data file as json:"].contains(where: image.description.contains) { continue }
                    let path = fleet.path("hostile.\(image.format)")
                    try writeFile(image.file.bytes, to: path)
                    let trace = try await FileTrace(
                        of: "qemu-img", ["convert", "-O", "raw", path, fleet.path("out")], into: fleet.path("trace"))
                    #expect(trace.opened(below: fleet.folder.path).contains(canary), "\(image): \(trace.finished)")
                }
            }
        }

        @Test func `a raw disk with another format's header is not guessed at`() async throws {
            try await Fleet.run { fleet in
                let canary = try makeImage(fleet.path("canary"), mebibytes: 1)
                let store = fleet.path("store")
                for name in ["guest.raw", "guest.img"] {
                    let path = fleet.path(name)
                    try writeFile(HostileImage.disguised(after: canary).bytes, to: path)
                    let refused = try await FileTrace(
                        of: Program.drover, Self.create(path, store), into: fleet.path("trace"))
                    #expect(refused.finished.status == 2, "\(refused.finished)")
                    expectOneSentence(refused.finished.errors, saying: "--source-format raw")
                    #expect(!refused.mentions(canary) && refused.programs == ["drover"])
                    #expect(try listing(store) == Self.emptyStore)
                }
                // Said to be raw it is raw, to its last byte, for the master and for its clones.
                let path = fleet.path("guest.raw")
                let made = try await FileTrace(
                    of: Program.drover, Self.create(path, store, "--source-format", "raw"), into: fleet.path("trace"))
                #expect(made.finished.status == 0, "\(made.finished)")
                #expect(!made.mentions(canary) && made.programs == ["drover"])
                #expect(try await areIdentical(path, "\(store)/masters/base@1.raw"))
                let clone = try await droverDoes("clone create base vm --store \(store)").lines[0]
                let read = try await FileTrace(
                    of: "qemu-img", ["convert", "-O", "raw", clone, fleet.path("out")], into: fleet.path("trace"))
                #expect(read.finished.status == 0 && !read.mentions(canary), "\(read.finished)")
                #expect(try await areIdentical(path, fleet.path("out")))
            }
        }

        @Test(arguments: [
            "qcow2 -o compat=0.10", "qcow2 -o compat=1.1", "qcow2 -c", "qcow2 -c -o compression_type=zstd",
            "qcow2 -o extended_l2=on,cluster_size=128k", "qcow2 -o cluster_size=512", "qcow2 -o cluster_size=2M",
            "qcow2 -o lazy_refcounts=on,refcount_bits=64", "qcow2 -o preallocation=metadata",
            "vpc -o subformat=dynamic,force_size=on", "vpc -o subformat=fixed,force_size=on", "vpc",
            "vmdk -o subformat=monolithicSparse", "vmdk -o subformat=streamOptimized",
            "vmdk -o subformat=monolithicSparse,zeroed_grain=on", "vhdx -o subformat=dynamic",
            "vhdx -o subformat=fixed", "vhdx -o block_size=256M", "vdi", "vdi -o static=on",
        ])
        func `an image that qemu made is read from one open file, without a network`(_ options: String) async throws {
            try await Fleet.run { fleet in
                let driver = String(options.prefix { $0 != " " })
                let format = driver == "vpc" ? "vhd" : driver
                let (store, path) = (fleet.path("store"), fleet.path("base.\(format)"))
                // 17 cylinders of 16 heads and 63 sectors: a size that is left as it is by what counts in them.
                let raw = try makeImage(fleet.path("base.raw"), mebibytes: 4, hole: 17 * 16 * 63 * 512 - 4 << 20)
                try await tool("qemu-img convert -f raw \(raw) -O \(options) \(path)")
                let trace = try await FileTrace(of: Program.drover, Self.create(path, store), into: fleet.path("trace"))
                #expect(trace.finished.status == 0, "\(trace.finished)")
                #expect(try await areIdentical(raw, "\(store)/masters/base@1.raw"))

                // Twice unshare: whether it may, and with the converter.
                #expect(trace.programs == ["drover", "unshare", "true", "unshare", "prlimit", "qemu-img"])
                #expect(trace.lines(with: "unshare(CLONE_NEWNET").count == 2)
                #expect(trace.opened(below: fleet.folder.path).filter { !$0.hasPrefix(store) } == [path])
                #expect(trace.lines(with: "\"\(path)\"").count { $0.contains("openat(") } == 1)
                #expect(!trace.lines(with: "\"/proc/self/fd/0\"").isEmpty)
            }
        }

        /// The tool that is started first puts another image in the place of the one that was checked.
        @Test func `an image that is replaced after it was checked is not read`() async throws {
            try await Fleet.run { fleet in
                let canary = try makeImage(fleet.path("canary"), mebibytes: 1)
                let (store, path) = (fleet.path("store"), fleet.path("base.qcow2"))
                let raw = try makeImage(fleet.path("base.raw"), mebibytes: 1)
                try await tool("qemu-img convert -f raw -O qcow2 \(raw) \(path)")
                try writeFile(HostileImage.disguised(after: canary).bytes, to: fleet.path("hostile"))
                try await tool("mkdir \(fleet.path("bin"))")
                let script = "#!/bin/sh\nmv \(fleet.path("hostile")) \(path)\nexec /usr/bin/prlimit \"$@\"\n"
                try writeFile(Array(script.utf8), to: fleet.path("bin/prlimit"))
                chmod(fleet.path("bin/prlimit"), 0o755)
                let trace = try await FileTrace(
                    of: Program.drover, Self.create(path, store), into: fleet.path("trace"),
                    environment: ["PATH": "\(fleet.path("bin")):/usr/sbin:/usr/bin:/sbin:/bin"])
                #expect(trace.programs.contains("mv") && trace.programs.contains("qemu-img"))
                #expect(trace.finished.status == 5, "\(trace.finished)")
                expectOneSentence(trace.finished.errors, saying: "changed")
                #expect(!trace.mentions(canary))
                #expect(try listing(store) == Self.emptyStore)
            }
        }

        @Test func `what is no file is no image`() async throws {
            try await Fleet.run { fleet in
                let (pipe, store) = (fleet.path("pipe.qcow2"), fleet.path("store"))
                mkfifo(pipe, 0o644)
                try await droverRefuses(
                    "master create \(pipe) --name base --version 1 --store \(store)", with: 1, saying: "regular file")
                #expect(try listing(store) == Self.emptyStore)
            }
        }
    }
}
