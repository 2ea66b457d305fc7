// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Testing

/// The strict reader, on files that qemu made and on hostile changes to them.
@Suite struct Qcow2HeaderTests {
    private func header(of path: String) throws -> Qcow2Header {
        let file = try PosixFiles().open(path, .read)
        var bytes = [UInt8](repeating: 0, count: Qcow2Header.inspectionLimit)
        let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return try Qcow2Header.inspect(Array(bytes.prefix(count)), fileSize: try file.size())
    }

    @Test func `images that qemu made are read as they are`() throws {
        let folder = try TestFolder()
        let path = "\(folder.path)/i.qcow2"
        let plain: [[String]] = [
            [], ["-o", "compat=0.10"], ["-o", "cluster_size=512"], ["-o", "cluster_size=2M"],
            ["-o", "extended_l2=on,cluster_size=128k"], ["-o", "lazy_refcounts=on"], ["-o", "compression_type=zstd"],
            ["-o", "refcount_bits=64"],
        ]
        for options in plain {
            let run = try ToolRun.run("qemu-img", ["create", "-q", "-f", "qcow2"] + options + [path, "1G"])
            #expect(run.status == 0, "\(run.output)")
            let header = try header(of: path)
            #expect(header.virtualSize == 1 << 30)
            #expect(!header.hasBackingFile)
            try header.checkSelfContained()
        }
        try ToolRun.check("qemu-img", "create", "-q", "-f", "qcow2", path, "1M")
        try ToolRun.check("qemu-img", "snapshot", "-c", "s", path)
        #expect(throws: Qcow2Error.snapshots) { try header(of: path).checkSelfContained() }
    }

    @Test func `an image that leans on another file is refused as a source`() throws {
        let folder = try TestFolder()
        let path = "\(folder.path)/i.qcow2"
        let base = "\(folder.path)/base"
        try PosixFiles().open(base, .createNew).truncate(to: 1 << 20)
        try ToolRun.check("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, path)
        #expect(try header(of: path).backingPath == base)
        #expect(throws: Qcow2Error.backingFile) { try header(of: path).checkSelfContained() }
        try ToolRun.check(
            "qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file=\(folder.path)/data,data_file_raw=on", path,
            "1M")
        #expect(try header(of: path).hasDataFile)
        #expect(throws: Qcow2Error.dataFile) { try header(of: path).checkSelfContained() }
        try ToolRun.check("qemu-img", "create", "-q", "-f", "qcow2", path, "1M")
        for (offset, refusal) in [(35, Qcow2Error.encrypted), (79, Qcow2Error.dataFile)] {
            var bytes = try PosixFiles().contents(of: path, limit: 4 << 20)
            bytes[offset] |= offset == 35 ? 2 : 4
            #expect(throws: refusal) { try Qcow2Header.inspect(bytes).checkSelfContained() }
        }
        var corrupt = try PosixFiles().contents(of: path, limit: 4 << 20)
        corrupt[79] |= 2
        #expect(throws: Qcow2Error.corrupt) { try Qcow2Header.inspect(corrupt).checkSelfContained() }
    }

    @Test func `a damaged or hostile header is refused by name`() throws {
        let overlay = try Qcow2Overlay(masterSize: 1 << 30, backingPath: "/m@1.raw")
        let good = overlay.encoded()[0].bytes
        func altered(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
            var copy = good
            copy.replaceSubrange(offset..<offset + bytes.count, with: bytes)
            return copy
        }
        func refusal(_ bytes: [UInt8]) -> Qcow2Error? {
            do throws(Qcow2Error) {
                _ = try Qcow2Header.inspect(bytes, fileSize: overlay.fileSize)
                return nil
            } catch { return error }
        }
        #expect(refusal(good) == nil)
        #expect(refusal([]) == .notQcow2)
        #expect(refusal(altered(0, [0x51, 0x46, 0x49, 0xfa])) == .notQcow2)
        #expect(refusal(altered(7, [4])) == .unsupportedVersion(4))
        #expect(refusal(altered(72, [0x80])) == .unknownFeatures(1 << 63))
        #expect(refusal(altered(79, [0x20])) == .unknownFeatures(0x20))
        #expect(refusal(altered(20, [0, 0, 0, 63])) == .invalid(field: "the cluster size's exponent", value: 63))
        #expect(refusal(altered(24, [0xff])) != nil)
        #expect(refusal(altered(36, [0xff, 0xff, 0xff, 0xff])) != nil)
        #expect(refusal(altered(36, [0, 0, 0, 1])) == .invalid(field: "the number of level-1 entries", value: 1))
        #expect(refusal(altered(40, [0x7f])) != nil)
        #expect(refusal(altered(47, [1])) != nil)
        #expect(refusal(altered(48, [0x7f])) != nil)
        #expect(refusal(altered(56, [0xff])) != nil)
        #expect(refusal(altered(96, [0, 0, 0, 7])) == .invalid(field: "the refcount order", value: 7))
        #expect(refusal(altered(100, [0xff, 0xff, 0xff, 0xf8])) != nil)
        #expect(refusal(altered(8, [0x7f])) != nil)
        #expect(refusal(altered(16, [0, 0, 4, 0])) != nil)
        #expect(refusal(altered(112 + 4, [0xff, 0xff, 0xff, 0xff])) != nil)
        for length in 0..<good.count {
            let cut = Array(good.prefix(length))
            #expect(refusal(cut) != nil, "cut to \(length) bytes")
        }
    }

    @Test func `no change of one or a few bytes makes the reader stop the process`() throws {
        let overlay = try Qcow2Overlay(masterSize: 1 << 30, backingPath: "/m@1.raw")
        let good = overlay.encoded()[0].bytes
        for offset in good.indices {
            for value in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
                for run in [1, 4, 8] {
                    var bytes = good
                    for index in offset..<min(offset + run, bytes.count) { bytes[index] = value }
                    if let header = try? Qcow2Header.inspect(bytes) {
                        #expect(header.virtualSize >= 0)
                    }
                }
            }
        }
    }

    @Test func `every refusal is a sentence`() {
        let all: [Qcow2Error] = [
            .notQcow2, .unsupportedVersion(9), .truncated, .invalid(field: "x", value: 1), .unknownFeatures(32),
            .encrypted, .backingFile, .dataFile, .snapshots, .corrupt, .clusterSize(3),
            .tooLarge(virtualSize: 1, clusterSize: 1), .backingPathTooLong(bytes: 2000), .backingPathNotAbsolute("x"),
        ]
        for error in all { #expect(error.description.count > 20) }
    }
}
