// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Metainfo
import TestSupport
import Testing

/// What a power failure leaves: the same life of a few clones, cut off after every single change, with more or less of
/// what had not been synced.
@Suite struct CloneDurabilityTests {
    private let master: MasterImage

    init() throws {
        let name = try #require(MasterName("debian@1"))
        master = try MasterImage(name: name, path: "/store/debian@1.raw", size: 12288 + 512)
    }

    private func registry(_ kind: CloneBackendKind, on files: CrashFiles) throws -> CloneRegistry {
        let site = CloneSite(folder: "/store/clones", files: files)
        let backend: any CloneBackend =
            switch kind {
            case .qcow2: Qcow2Backend(site: site)
            case .reflink: ReflinkBackend(site: site)
            case .copy: CopyBackend(site: site)
            // Clones differ in nothing but their UUIDs, and here not even in those.
            case .vhd: VhdBackend(site: site, now: { 1_700_000_000 }, newID: { VhdIdentifier(high: 1, low: 2) })
            // The files of this layer are no files to the kernel.
            case .dmSnapshot, .dmThin, .lvm, .lvmThin: throw CloneError(.usage, "not with such files")
            }
        return try CloneRegistry(site: site, backends: [backend])
    }

    @Test(arguments: CloneBackendKind.allCases.filter { !$0.isBlockDevice })
    func `what was reported done survives a power failure, and what was not is all there or not at all`(
        _ kind: CloneBackendKind
    ) throws {
        let files = CrashFiles()
        // The parent of VHDs is a copy here, which takes more steps than a reflink.
        files.setReflink(kind != .vhd)
        try files.makeDirectory("/store")
        try files.put((0..<12800).map { UInt8(truncatingIfNeeded: $0 / 50) }, at: master.path)
        try files.open(master.path, .read).sync()
        try files.syncDirectory("/store")
        try files.syncDirectory("/")

        let live = try registry(kind, on: files)
        let pair = try CloneName.series(try CloneName("vm"), count: 2)
        let late = try CloneName("late")
        let start = files.changeCount
        let path = try live.create(try CloneName("vm"), count: 2, of: master, backend: .only(kind)).clones[0].path
        let created = files.changeCount
        let fresh = try #require(files.bytes(at: path))
        let used = [UInt8](repeating: 0xee, count: fresh.count)
        try files.put(used, at: path)
        try files.open(path, .update).sync()
        let written = files.changeCount
        try live.reset(pair[0], to: master)
        let reset = files.changeCount
        _ = try live.create(late, of: master, backend: .only(kind))
        let lateCreated = files.changeCount
        try live.remove(pair)
        let removed = files.changeCount

        let survivals: [CrashFiles.Survival] =
            [.everything, .onlySynced, .tornLastWrite] + (0..<3).map { .some(seed: $0) }
        for moment in start...removed {
            for survival in survivals {
                let disk = files.afterCrash(changes: moment, survival)
                disk.setReflink(kind != .vhd)
                let found = try registry(kind, on: disk)
                let comment: Comment = "\(kind), after change \(moment): \(survival)"
                let clones = found.list()
                let hasPair = clones.contains { $0.name == pair[0] }
                let hasLate = clones.contains { $0.name == late }
                #expect(hasPair == clones.contains { $0.name == pair[1] }, comment)
                if (created...lateCreated).contains(moment) { #expect(hasPair, comment) }
                if moment == removed || moment == start { #expect(!hasPair, comment) }
                if moment >= lateCreated { #expect(hasLate, comment) }
                if moment <= reset { #expect(!hasLate, comment) }

                for clone in clones {
                    let bytes = disk.bytes(at: clone.path)
                    // While the guest writes, its disk may hold anything.
                    if clone.name == pair[0], moment > created, moment < written { continue }
                    let mayBeUsed = clone.name == pair[0] && (written..<reset).contains(moment)
                    let mayBeFresh = clone.name != pair[0] || moment != written
                    #expect((mayBeFresh && bytes == fresh) || (mayBeUsed && bytes == used), comment)
                }
                if try disk.status("/store/clones") != nil {
                    let parents = kind == .vhd && !clones.isEmpty ? ["debian@1.vhd"] : []
                    let owned = Set(clones.map(\.path.lastPathComponent)).union(["journal"] + parents)
                    #expect(try Set(disk.names(in: "/store/clones")).isSubset(of: owned), comment)
                }
                if kind == .vhd, !clones.isEmpty {
                    let content = try #require(files.bytes(at: master.path))
                    #expect(disk.bytes(at: "/store/clones/debian@1.vhd")?.dropLast(512) == content[...], comment)
                }
                // It goes on from there, and what it found stays found.
                _ = try found.create(try CloneName("next"), of: master, backend: .only(kind))
                #expect(try registry(kind, on: disk).list().count == clones.count + 1, comment)
            }
        }
    }

    @Test(arguments: CloneBackendKind.allCases.filter { !$0.isBlockDevice })
    func `a refresh leaves the old clone, the new one, or one that is known to be either`(
        _ kind: CloneBackendKind
    ) throws {
        let files = CrashFiles()
        files.setReflink(kind != .vhd)
        try files.makeDirectory("/store")
        let next = try MasterImage(
            name: try #require(MasterName("debian@2")), path: "/store/debian@2.raw", size: master.size + 1024)
        for (path, size) in [(master.path, master.size), (next.path, next.size)] {
            try files.put((0..<size).map { UInt8(truncatingIfNeeded: ($0 + size) / 50) }, at: path)
            try files.open(path, .read).sync()
        }
        for folder in ["/store", "/"] { try files.syncDirectory(folder) }

        let live = try registry(kind, on: files)
        let name = try CloneName("vm")
        let clone = try live.create(
            name, of: master, backend: .only(kind), identity: GuestIdentity(userData: [0x23])
        ).clones[0]
        let used = try [UInt8](repeating: 0xee, count: #require(files.bytes(at: clone.path)).count)
        try files.put(used, at: clone.path)
        try files.open(clone.path, .update).sync()
        let start = files.changeCount
        try live.refresh(name, from: master, to: next)
        let done = files.changeCount
        let fresh = try #require(files.bytes(at: clone.path))
        #expect(fresh != used)

        for moment in start...done {
            for survival in [.everything, .onlySynced, .tornLastWrite]
                + (0..<3).map({ CrashFiles.Survival.some(seed: $0) })
            {
                let disk = files.afterCrash(changes: moment, survival)
                disk.setReflink(kind != .vhd)
                let found = try registry(kind, on: disk)
                let comment: Comment = "\(kind), after change \(moment): \(survival)"
                let clone = try found.show(name)
                let bytes = disk.bytes(at: clone.path)
                if clone.next != nil {
                    #expect(bytes == used || bytes == fresh, comment)
                    #expect(try !found.health(of: name, master: master).isUsable, comment)
                    #expect(
                        found.interrupted == [clone] && found.clones(of: master.name) == found.clones(of: next.name))
                } else {
                    #expect(bytes == (clone.master == next.name ? fresh : used), comment)
                }
                if moment == done { #expect(clone.master == next.name && clone.next == nil, comment) }
                let place = try #require(clone.seedImage)
                let seed = try #require(disk.bytes(at: place))
                #expect(SeedImage(seed)?.userData == [0x23], comment)
                // Doing it again finishes it.
                try found.refresh(name, from: master, to: next)
                let last = try registry(kind, on: disk)
                #expect(try last.show(name).master == next.name && last.interrupted.isEmpty, comment)
                #expect(disk.bytes(at: clone.path) == fresh, comment)
                let names = Set(try disk.names(in: "/store/clones"))
                #expect(
                    names.isSubset(of: ["journal", clone.path.lastPathComponent, "vm.seed.iso", "debian@2.vhd"]),
                    comment)
            }
        }
    }

    @Test(arguments: CloneBackendKind.allCases.filter { !$0.isBlockDevice })
    func `a refresh that fails in the middle records no master that the disk is not of`(
        _ kind: CloneBackendKind
    ) throws {
        // A folder that cannot be synced fails after the new disk has taken the old one's place.
        var (isOld, isUnknown) = (false, false)
        for failing in 0..<8 {
            let files = CrashFiles()
            files.setReflink(kind != .vhd)
            try files.makeDirectory("/store")
            let next = try MasterImage(
                name: try #require(MasterName("debian@2")), path: "/store/debian@2.raw", size: master.size + 1024)
            for (path, size) in [(master.path, master.size), (next.path, next.size)] {
                try files.put((0..<size).map { UInt8(truncatingIfNeeded: ($0 + size) / 50) }, at: path)
                try files.open(path, .read).sync()
            }
            for folder in ["/store", "/"] { try files.syncDirectory(folder) }
            let live = try registry(kind, on: files)
            let name = try CloneName("vm")
            let path = try live.create(name, of: master, backend: .only(kind)).clones[0].path
            let used = try [UInt8](repeating: 0xee, count: #require(files.bytes(at: path)).count)
            try files.put(used, at: path)
            try files.open(path, .update).sync()
            var faults = CrashFiles.Faults()
            faults.failingDirectorySync = files.directorySyncCount + failing
            files.setFaults(faults)
            let failed = (try? live.refresh(name, from: master, to: next)) == nil
            files.setFaults(CrashFiles.Faults())
            let comment: Comment = "\(kind), sync \(failing)"
            let clone = try live.show(name)
            if clone.next != nil {
                isUnknown = true
            } else {
                #expect((files.bytes(at: path) == used) == (clone.master == master.name), comment)
                isOld = isOld || failed
            }
            try live.refresh(name, from: master, to: next)
            #expect(try live.show(name).master == next.name && live.interrupted.isEmpty, comment)
        }
        #expect(isOld || isUnknown, "\(kind): no sync of a folder failed")
    }

    @Test func `a VHD clone that was reset never stands without the parent that was made again for it`() throws {
        let files = CrashFiles()
        try files.makeDirectory("/store")
        try files.put((0..<12800).map { UInt8(truncatingIfNeeded: $0 / 50) }, at: master.path)
        try files.open(master.path, .read).sync()
        try files.syncDirectory("/store")
        try files.syncDirectory("/")
        let live = try registry(.vhd, on: files)
        let name = try CloneName("vm")
        let path = try live.create(name, of: master, backend: .only(.vhd)).clones[0].path
        let fresh = try #require(files.bytes(at: path))
        let parent = "/store/clones/debian@1.vhd"
        let whole = try #require(files.bytes(at: parent))
        try files.put([UInt8](repeating: 0xee, count: fresh.count), at: path)
        try files.open(path, .update).sync()
        try files.remove(parent)
        try files.syncDirectory("/store/clones")
        let start = files.changeCount
        try live.reset(name, to: master)
        for moment in start...files.changeCount {
            let survivals: [CrashFiles.Survival] =
                [.everything, .onlySynced, .tornLastWrite] + (0..<20).map { .some(seed: $0) }
            for survival in survivals {
                let disk = files.afterCrash(changes: moment, survival)
                let found = try registry(.vhd, on: disk)
                let comment: Comment = "after change \(moment): \(survival)"
                #expect(found.list().map(\.name) == [name], comment)
                if disk.bytes(at: path) == fresh || moment == files.changeCount {
                    #expect(disk.bytes(at: parent) == whole, comment)
                    #expect(found.list().count == 1, comment)
                }
            }
        }
    }

    @Test func `a sync that failed once is not believed the second time`() throws {
        for failing in 0..<12 {
            let files = CrashFiles()
            try files.makeDirectory("/store")
            try files.put([1, 2, 3], at: master.path)
            try files.open(master.path, .read).sync()
            try files.syncDirectory("/store")
            try files.syncDirectory("/")
            var faults = CrashFiles.Faults()
            faults.failingSync = files.syncCount + failing
            files.setFaults(faults)
            let registry = try registry(.qcow2, on: files)
            var kept: [CloneName] = []
            for number in 1...4 {
                let name = try CloneName("vm-\(number)")
                if (try? registry.create(name, of: master)) != nil { kept.append(name) }
            }
            #expect(registry.list().map(\.name) == kept)
            #expect(kept.count == 3)
            let disk = files.afterCrash(changes: files.changeCount, .onlySynced)
            let found = try self.registry(.qcow2, on: disk)
            #expect(found.list().map(\.name) == kept, "after the failed sync \(failing)")
        }
    }
}
