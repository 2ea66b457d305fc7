// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Metainfo
import Testing

/// The native qcow2 writer, judged by qemu's own tools.
@Suite struct Qcow2OverlayTests {
    /// Master sizes and cluster sizes, in bytes. A comparison walks the overlay one level-2 table at a time, so small
    /// clusters go with smaller disks.
    static let shapes: [(Int64, Int)] = [
        (512, 65536), (1, 65536), (1000, 4096), (1 << 20 | 512, 4096), (1 << 20 | 512, 65536), (1 << 20 | 512, 2 << 20),
        (2 << 30, 4096), (2 << 30, 65536), (2 << 30, 2 << 20), (100 << 30, 16384), (100 << 30, 65536),
        (100 << 30, 2 << 20), (8 << 40, 65536), (8 << 40, 2 << 20),
    ]

    private func overlay(
        size: Int64, clusterSize: Int, in folder: TestFolder
    ) throws -> (master: MasterImage, clone: Clone) {
        let files = PosixFiles()
        let path = "\(folder.path)/debian@1.raw"
        let file = try files.open(path, .createNew)
        try file.truncate(to: size)
        let mark = [UInt8](repeating: 0x5a, count: Int(min(size, 700)))
        try mark.withUnsafeBytes { bytes in
            try file.write(bytes, at: 0)
            try file.write(bytes, at: size - Int64(bytes.count))
        }
        let master = try MasterImage(name: try #require(MasterName("debian@1")), path: path, size: size)
        let site = CloneSite(folder: "\(folder.path)/clones", files: files)
        let registry = try CloneRegistry(site: site, backends: [Qcow2Backend(site: site)])
        let settings = try CloneSettings(clusterSize: clusterSize)
        let clone = try registry.create(try CloneName("c"), of: master, settings: settings).clones[0]
        #expect(try registry.health(of: clone.name, master: master) == .ok)
        return (master, clone)
    }

    @Test(arguments: shapes)
    func `qemu finds a fresh overlay clean and identical to its master`(_ size: Int64, _ clusterSize: Int) throws {
        let folder = try TestFolder()
        let (master, clone) = try overlay(size: size, clusterSize: clusterSize, in: folder)
        try ToolRun.check("qemu-img", "check", "-f", "qcow2", clone.path)
        try ToolRun.check("qemu-img", "compare", "-s", "-f", "qcow2", "-F", "raw", clone.path, master.path)
        let allocated = try #require(try PosixFiles().status(clone.path)).allocated
        #expect(allocated <= 64 << 10, "a fresh overlay takes \(allocated) bytes")
        let info = try ToolRun.check("qemu-img", "info", "--output=json", "-f", "qcow2", clone.path)
        #expect(info.contains("\"virtual-size\": \((size + 511) / 512 * 512)"))
        #expect(info.contains("\"backing-filename-format\": \"raw\""))
        #expect(info.contains("\"cluster-size\": \(clusterSize)"))
    }

    @Test(arguments: [(1 << 20 | 512, 4096), (2 << 30, 65536), (8 << 40, 65536), (8 << 40, 2 << 20)] as [(Int64, Int)])
    func `an overlay that was written to stays clean and its master untouched`(
        _ size: Int64, _ clusterSize: Int
    ) throws {
        let folder = try TestFolder()
        let (master, clone) = try overlay(size: size, clusterSize: clusterSize, in: folder)
        let before = try PosixFiles().status(master.path)
        let last = size / 512 * 512 - 512
        try ToolRun.check(
            "qemu-io", "-f", "qcow2", "-c", "write -P 1 0 512", "-c", "write -P 2 512k 300k", "-c",
            "write -P 3 \(last) 512", "-c", "read -P 1 0 512", "-c", "read -P 2 512k 300k", "-c",
            "read -P 3 \(last) 512",
            clone.path)
        try ToolRun.check("qemu-img", "check", "-f", "qcow2", clone.path)
        #expect(try PosixFiles().status(master.path) == before)
    }

    @Test func `a master of 64 TiB is cloned clean`() throws {
        // Only XFS among the file systems at hand holds a file of that size.
        let folder = try TestFolder(.xfs)
        let (_, clone) = try overlay(size: 64 << 40, clusterSize: 65536, in: folder)
        try ToolRun.check("qemu-img", "check", "-f", "qcow2", clone.path)
        let end: Int64 = 64 << 40
        try ToolRun.check("qemu-io", "-f", "qcow2", "-c", "read -P 0x5a \(end - 512) 512", clone.path)
        try ToolRun.check("qemu-io", "-f", "qcow2", "-c", "write -P 9 \(end - 4096) 4096", clone.path)
        try ToolRun.check("qemu-img", "check", "-f", "qcow2", clone.path)
    }

    @Test func `what qemu could not open is refused with the reason`() throws {
        #expect(throws: Qcow2Error.clusterSize(2048)) {
            try Qcow2Overlay(masterSize: 1, backingPath: "/m", clusterSize: 2048)
        }
        #expect(throws: Qcow2Error.clusterSize(12288)) {
            try Qcow2Overlay(masterSize: 1, backingPath: "/m", clusterSize: 12288)
        }
        #expect(throws: Qcow2Error.clusterSize(4 << 20)) {
            try Qcow2Overlay(masterSize: 1, backingPath: "/m", clusterSize: 4 << 20)
        }
        #expect(throws: Qcow2Error.clusterSize(0)) {
            try Qcow2Overlay(masterSize: 1, backingPath: "/m", clusterSize: 0)
        }
        #expect(throws: Qcow2Error.extendedClusterSize(8192)) {
            try Qcow2Overlay(masterSize: 1, backingPath: "/m", clusterSize: 8192, extendedL2: true)
        }
        #expect(throws: Qcow2Error.clusterSize(.min)) {
            try Qcow2Overlay(masterSize: 1, backingPath: "/m", clusterSize: .min)
        }
        #expect(throws: Qcow2Error.backingPathNotAbsolute("json:{}")) {
            try Qcow2Overlay(masterSize: 1, backingPath: "json:{}")
        }
        let long = "/" + String(repeating: "é", count: 511)
        #expect(long.utf8.count == 1023)
        #expect(try Qcow2Overlay(masterSize: 1, backingPath: long, clusterSize: 4096).virtualSize == 512)
        #expect(throws: Qcow2Error.backingPathTooLong(bytes: 1024)) {
            try Qcow2Overlay(masterSize: 1, backingPath: long + "x")
        }
        #expect(throws: Qcow2Error.tooLarge(virtualSize: 9 << 40, clusterSize: 4096)) {
            try Qcow2Overlay(masterSize: 9 << 40, backingPath: "/m", clusterSize: 4096)
        }
        #expect(throws: Qcow2Error.tooLarge(virtualSize: .max, clusterSize: 65536)) {
            try Qcow2Overlay(masterSize: .max, backingPath: "/m")
        }
        #expect(throws: Qcow2Error.self) { try Qcow2Overlay(masterSize: 0, backingPath: "/m") }
        #expect(try Qcow2Overlay(masterSize: 8 << 40, backingPath: "/m", clusterSize: 4096).fileSize > 32 << 20)
    }

    @Test func `a path of 1023 bytes is read back by qemu`() throws {
        let folder = try TestFolder()
        var path = folder.path
        while path.utf8.count + 201 < 1023 - 20 {
            path += "/" + String(repeating: "d", count: 200)
            try PosixFiles().makeDirectory(path)
        }
        path += "/" + String(repeating: "m", count: 1023 - path.utf8.count - 1)
        #expect(path.utf8.count == 1023)
        try PosixFiles().open(path, .createNew).truncate(to: 1 << 20)
        let overlay = try Qcow2Overlay(masterSize: 1 << 20, backingPath: path, clusterSize: 4096)
        let clone = "\(folder.path)/c.qcow2"
        let file = try PosixFiles().open(clone, .createNew)
        try file.truncate(to: overlay.fileSize)
        for chunk in overlay.encoded() { try chunk.bytes.withUnsafeBytes { try file.write($0, at: chunk.offset) } }
        try ToolRun.check("qemu-img", "check", "-f", "qcow2", clone)
        try ToolRun.check("qemu-img", "compare", "-s", "-f", "qcow2", "-F", "raw", clone, path)
    }

    @Test func `the reader returns what the writer wrote`() throws {
        for clusterSize in [4096, 65536, 2 << 20] {
            let overlay = try Qcow2Overlay(
                masterSize: 5 << 30 | 512, backingPath: "/a/b@1.raw", clusterSize: clusterSize)
            let header = try Qcow2Header.inspect(overlay.encoded()[0].bytes, fileSize: overlay.fileSize)
            #expect(header.version == 3)
            #expect(header.virtualSize == 5 << 30 | 512)
            #expect(header.clusterSize == clusterSize)
            #expect(header.backingPath == "/a/b@1.raw")
            #expect(header.backingFormat == "raw")
            #expect(!header.hasDataFile && !header.isEncrypted && !header.hasSnapshots && !header.isCorrupt)
            #expect(throws: Qcow2Error.backingFile) { try header.checkSelfContained() }
        }
    }
}
