// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Metainfo
import TestSupport
import Testing

/// Chains of VHDs, judged by libvhdi.
@Suite struct VhdDiskTests {
    private let files = PosixFiles()

    /// A master with random bytes at its beginning, in its middle and at its end, and a clone of it.
    private func chain(_ size: Int64, in folder: TestFolder) throws -> (master: MasterImage, clone: Clone) {
        let path = "\(folder.path)/debian@7.raw"
        let file = try files.open(path, .createNew)
        try file.truncate(to: size)
        var random = SplitMix(state: UInt64(size))
        let noise = (0..<Int(min(size, 300 << 10))).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        try noise.withUnsafeBytes { bytes in
            for offset in [0, (size - Int64(bytes.count)) / 2, size - Int64(bytes.count)] {
                try file.write(bytes, at: offset)
            }
        }
        let master = try MasterImage(name: try #require(MasterName("debian@7")), path: path, size: size)
        let site = CloneSite(folder: "\(folder.path)/clones", files: files)
        let registry = try CloneRegistry(site: site)
        let clone = try registry.create(try CloneName("c"), of: master, backend: .only(.vhd)).clones[0]
        #expect(try registry.health(of: clone.name, master: master) == .ok)
        return (master, clone)
    }

    private static let sizes: [Int64] = [
        4096, 1 << 20 | 512, 2 << 20, 2 << 20 | 512, 16 << 20, 64 << 20 | 1536, 100 << 20,
    ]

    @Test(arguments: sizes)
    func `libvhdi reads the master through a fresh clone, to its last byte`(_ size: Int64) throws {
        let folder = try TestFolder()
        let (master, clone) = try chain(size, in: folder)
        let found = try VhdJudge.shared.read(clone.path)
        #expect(found.size == size)
        #expect(found.digest == SHA256Digest(hashing: try files.contents(of: master.path, limit: 1 << 30)))
        #expect(found.parentName == "debian@7.vhd")
        let parent = try VhdJudge.shared.read("\(folder.path)/clones/debian@7.vhd")
        #expect(parent.size == size && parent.digest == found.digest)
        #expect(found.parentIdentifier == parent.identifier)
        #expect(parent.identifier == VhdIdentifier.ofParent(master.name, size: size).description)
        let allocated = try #require(try files.status(clone.path)).allocated
        #expect(allocated <= 16 << 10, "a fresh clone takes \(allocated) bytes")
    }

    @Test func `vhdiinfo names the parent, its UUID and the size`() throws {
        let folder = try TestFolder()
        let (master, clone) = try chain(16 << 20, in: folder)
        let info = try ToolRun.check("vhdiinfo", clone.path)
        #expect(info.contains("Differential"), "\(info)")
        #expect(info.contains("16777216 bytes"), "\(info)")
        #expect(info.contains("debian@7.vhd"), "\(info)")
        #expect(info.contains(VhdIdentifier.ofParent(master.name, size: master.size).description), "\(info)")
        let parent = try ToolRun.check("vhdiinfo", "\(folder.path)/clones/debian@7.vhd")
        #expect(parent.contains("Fixed"), "\(parent)")
    }

    /// What is written lies in the first block, over the border of two, and at the end of the last.
    @Test(arguments: [4 << 20, 6 << 20 | 4096, 32 << 20] as [Int64])
    func `libvhdi reads the master and what was written over it`(_ size: Int64) throws {
        let folder = try TestFolder()
        let (master, clone) = try chain(size, in: folder)
        let before = try files.contents(of: master.path, limit: 1 << 30)
        var expected = before
        var writer = try VhdWriter(clone.path)
        let writes: [(UInt8, Int64, Int64)] = [
            (1, 0, 4096), (2, 40960, 8192), (3, (2 << 20) - 4096, 12288), (4, size - 4096, 4096), (5, 45056, 4096),
        ]
        for (pattern, start, count) in writes {
            try writer.write(pattern, at: start, count: count)
            expected.replaceSubrange(
                Int(start)..<Int(start + count), with: repeatElement(pattern, count: Int(count)))
            let found = try VhdJudge.shared.read(clone.path)
            #expect(found.size == size && found.digest == SHA256Digest(hashing: expected))
        }
        #expect(try files.contents(of: master.path, limit: 1 << 30) == before)
        let site = CloneSite(folder: "\(folder.path)/clones", files: files)
        #expect(try CloneRegistry(site: site).health(of: clone.name, master: master) == .ok)
    }

    @Test func `a master of 2040 GiB is cloned and one of more is refused`() throws {
        // Only XFS among the file systems at hand shares the extents of a file of that size.
        let folder = try TestFolder(.xfs)
        let (master, clone) = try chain(2040 << 30, in: folder)
        for offset in [0, master.size - 4096] {
            #expect(try VhdJudge.shared.read(clone.path, at: offset, count: 4096).size == master.size)
        }
        let end = try VhdJudge.shared.read(clone.path, at: master.size - 4096, count: 4096).digest
        var bytes = [UInt8](repeating: 0, count: 4096)
        let file = try files.open(master.path, .read)
        _ = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: master.size - 4096) }
        #expect(end == SHA256Digest(hashing: bytes))
        #expect(throws: VhdError.tooLarge(2040 << 30 | 512)) {
            try VhdFooter(.fixed, size: 2040 << 30 | 512, uniqueID: .none, created: 0)
        }
    }
}
