// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Foundation
import Metainfo
import Testing

/// What every clone backend must hold, whatever its clones are. A backend joins by saying how it is made and where;
/// contents are read and written through qemu's tools, which open files and devices alike, and those of differencing
/// VHDs, which qemu cannot read, through libvhdi and a writer of our own.
struct CloneBackendConformance {
    /// Where clones of this backend can be made; kept until the suite ends.
    let folder: TestFolder
    /// The format a hypervisor is told for a clone, such as `qcow2`.
    let format: String
    var settings = CloneSettings.none
    /// Every how many operations a fault is planted: where one takes seconds, some of them have to do.
    var stride = 1
    /// Who the guests are, for clones with seed images.
    var identity: GuestIdentity? = nil
    let backend: @Sendable (CloneSite) -> any CloneBackend
    /// 256 KiB that do not compress or repeat, the same in every run.
    private static let noise: [UInt64] = {
        var value: UInt64 = 0x9e37_79b9_7f4a_7c15
        return (0..<(256 << 10) / 8).map { _ in
            value ^= value << 13
            value ^= value >> 7
            value ^= value << 17
            return value
        }
    }()
    /// The names in a folder of clones that there may be.
    private func furniture(_ clones: [Clone]) -> Set<String> {
        var names: Set = ["journal"]
        for clone in clones {
            if let seed = clone.seedImage { names.insert(seed.lastPathComponent) }
            switch clone.backend {
            case .qcow2, .reflink, .copy: names.insert(clone.path.lastPathComponent)
            case .vhd: names.formUnion([clone.path.lastPathComponent, "\(clone.master).vhd"])
            case .dmSnapshot: names.insert("\(clone.name).cow")
            case .dmThin: names.formUnion(["dm-thin@data", "dm-thin@metadata"])
            case .lvm, .lvmThin: break
            }
        }
        return names
    }

    /// A store of its own, with a master of 2 MiB + 512 bytes that has data, a hole, and data at its end.
    struct Bench {
        let suite: CloneBackendConformance
        let root: String
        let master: MasterImage
        let digest: SHA256Digest

        var clonesFolder: String { "\(root)/clones" }

        func registry(_ files: any FileAccess = PosixFiles()) throws -> CloneRegistry {
            let site = CloneSite(folder: clonesFolder, files: files)
            return try CloneRegistry(site: site, backends: [suite.backend(site)])
        }

        /// Makes clones with the suite's backend, which `auto` might not choose.
        func create(_ base: CloneName, count: Int? = nil, with registry: CloneRegistry) throws -> CreatedClones {
            try registry.create(
                base, count: count, of: master, backend: .only(registry.backends[0].kind),
                settings: suite.settings, identity: suite.identity)
        }

        /// The instance id of a clone's guest, whose seed image must be whole.
        func instance(_ clone: Clone) throws -> String {
            let path = try #require(clone.seedImage)
            let image = try #require(SeedImage(try PosixFiles().contents(of: path, limit: 4 << 20)))
            #expect(try PosixFiles().status(path)?.mode == 0o600)
            #expect(image.userData == suite.identity?.userData)
            return String(decoding: image.metaData.prefix { $0 != 0x0a }, as: UTF8.self)
        }

        /// Takes the store away before the next one is made.
        func discard(_ registry: CloneRegistry) throws {
            if Guest.isHere {
                try registry.remove(registry.list().map(\.name))
                #expect(try strays(registry).isEmpty)
            }
            try FileManager.default.removeItem(atPath: root)
        }

        func masterDigest() throws -> SHA256Digest {
            SHA256Digest(hashing: try PosixFiles().contents(of: master.path, limit: 1 << 30))
        }

        func isIdentical(_ clone: Clone) throws -> Bool {
            if suite.format == "vhd" {
                let found = try VhdJudge.shared.read(clone.path)
                return found.size == master.size && found.digest == digest
            }
            let run = try ToolRun.run(
                "qemu-img", ["compare", "-f", suite.format, "-F", "raw", clone.path, master.path])
            return run.status == 0
        }

        func write(_ pattern: UInt8, to clone: Clone) throws {
            if suite.format == "vhd" {
                var writer = try VhdWriter(clone.path)
                return try writer.write(pattern, at: 128 << 10, count: 320 << 10)
            }
            try ToolRun.check("qemu-io", "-f", suite.format, "-c", "write -P \(pattern) 128k 320k", clone.path)
        }

        func holds(_ pattern: UInt8, _ clone: Clone) throws -> Bool {
            if suite.format == "vhd" {
                let found = try VhdJudge.shared.read(clone.path, at: 128 << 10, count: 320 << 10)
                return found.digest == SHA256Digest(hashing: [UInt8](repeating: pattern, count: 320 << 10))
            }
            let run = try ToolRun.run(
                "qemu-io", ["-f", suite.format, "-c", "read -P \(pattern) 128k 320k", clone.path])
            return run.status == 0 && !run.output.contains("failed")
        }

        /// What is there and no listed clone owns: files, and in the guest devices when there is no clone at all.
        func strays(_ registry: CloneRegistry) throws -> Set<String> {
            let clones = registry.list()
            var strays: Set<String> = []
            if try PosixFiles().status(clonesFolder) != nil {
                strays = Set(try PosixFiles().names(in: clonesFolder)).subtracting(suite.furniture(clones))
            }
            if Guest.isHere, clones.isEmpty { strays.formUnion(try Guest.devices()) }
            return strays
        }

        /// A registry as the next start of a program and of the host finds it.
        func restarted(_ files: any FileAccess = PosixFiles()) throws -> CloneRegistry {
            let registry = try registry(files)
            if Guest.isHere {
                #expect(registry.repair().problems.isEmpty)
                #expect(try registry.map { _ in master }.problems.isEmpty)
            }
            return registry
        }

        /// The same store with the next version of its master, which is longer and other.
        func successor() throws -> Bench {
            let path = "\(root)/masters/debian@2.raw"
            let size = master.size + (1 << 20)
            let file = try PosixFiles().open(path, .createNew)
            try file.truncate(to: size)
            try CloneBackendConformance.noise.reversed().withUnsafeBytes { bytes in try file.write(bytes, at: 96 << 10)
            }
            try PosixFiles().setMode(path, 0o444)
            let next = try MasterImage(name: try #require(MasterName("debian@2")), path: path, size: size)
            let digest = SHA256Digest(hashing: try PosixFiles().contents(of: path, limit: 1 << 30))
            return Bench(suite: suite, root: root, master: next, digest: digest)
        }

        /// Takes a clone's content out of reach.
        func lose(_ clone: Clone) throws {
            switch clone.backend {
            case .qcow2, .reflink, .copy, .vhd: try PosixFiles().remove(clone.path)
            case .dmSnapshot, .dmThin: try ToolRun.check("dmsetup", "remove", clone.path)
            case .lvm, .lvmThin: try ToolRun.check("lvchange", "--yes", "--activate", "n", clone.path)
            }
        }
    }

    func bench(_ label: String) throws -> Bench {
        let files = PosixFiles()
        let root = "\(folder.path)/\(label)"
        try files.makeDirectory(root)
        try files.makeDirectory("\(root)/masters")
        let path = "\(root)/masters/debian@1.raw"
        let size: Int64 = 2 << 20 | 512
        let file = try files.open(path, .createNew)
        try file.truncate(to: size)
        try Self.noise.withUnsafeBytes { bytes in
            try file.write(bytes, at: 0)
            let tail = UnsafeRawBufferPointer(rebasing: bytes[..<(64 << 10)])
            try file.write(tail, at: size - Int64(tail.count))
        }
        try files.setMode(path, 0o444)
        let master = try MasterImage(name: try #require(MasterName("debian@1")), path: path, size: size)
        let digest = SHA256Digest(hashing: try files.contents(of: path, limit: 1 << 30))
        return Bench(suite: self, root: root, master: master, digest: digest)
    }

    func movesToAnotherVersion() throws {
        let old = try bench("versions")
        var registry = try old.registry()
        let (name, other) = (try CloneName("desktop"), try CloneName("other"))
        let before = try #require(try old.create(name, with: registry).clones.first)
        _ = try old.create(other, with: registry)
        try old.write(0xab, to: before)
        let instance = try identity.map { _ in try old.instance(before) }
        let new = try old.successor()

        try registry.checkStopped(name)
        try registry.refresh(name, from: old.master, to: new.master)
        for registry in [registry, try new.restarted()] {
            let after = try registry.show(name)
            #expect(after.master == new.master.name && after.path == before.path && after.created == before.created)
            #expect(after.seedImage == before.seedImage)
            #expect(try registry.health(of: name, master: new.master) == .ok)
            #expect(try new.isIdentical(after), "\(after.path) is not of the new version")
            #expect(registry.clones(of: old.master.name).map(\.name) == [other])
            if identity != nil { #expect(try new.instance(after) != instance, "a new disk passes for the old one") }
        }
        registry = try new.restarted()
        try new.write(0xcd, to: try registry.show(name))
        #expect(try new.holds(0xcd, try registry.show(name)))
        // It is of that version already, and keeps what was written.
        try registry.refresh(name, from: old.master, to: new.master)
        #expect(try new.holds(0xcd, try registry.show(name)))
        try registry.reset(name, to: new.master)
        #expect(try new.isIdentical(try registry.show(name)))
        #expect(throws: CloneError(.conflict, "")) { try registry.reset(name, to: old.master) }
        #expect(throws: CloneError(.conflict, "")) { try registry.checkRemovable(new.master.name) }
        #expect(try old.masterDigest() == old.digest && new.masterDigest() == new.digest)
        try registry.remove([name, other])
        #expect(try new.restarted().list().isEmpty)
        #expect(try new.strays(registry).isEmpty)
    }

    func livesThroughItsDay() throws {
        let bench = try bench("day")
        let name = try CloneName("desktop")
        var registry = try bench.registry()
        #expect(registry.list().isEmpty)

        let made = try bench.create(name, count: 3, with: registry)
        #expect(made.clones.map(\.name.text) == ["desktop-1", "desktop-2", "desktop-3"])
        #expect(made.duration > .zero && made.durationPerClone <= made.duration)
        #expect(!made.explanation.isEmpty)
        for clone in made.clones {
            #expect(try bench.isIdentical(clone), "\(clone.path) differs from its master")
            #expect(try registry.health(of: clone.name, master: bench.master) == .ok)
        }
        #expect(registry.list() == made.clones)
        #expect(try bench.create(name, with: registry).clones.map(\.name) == [name])

        let first = made.clones[0]
        try bench.write(0xab, to: first)
        #expect(try bench.holds(0xab, first))
        #expect(try bench.isIdentical(made.clones[1]), "a write to one clone reached another")
        #expect(try bench.masterDigest() == bench.digest, "a write to a clone reached the master")

        // What was written is there after a restart.
        if made.backend.isBlockDevice {
            for clone in registry.list() { try bench.lose(clone) }
            #expect(try bench.registry().health(of: first.name, master: bench.master).isUsable == false)
        }
        registry = try bench.restarted()
        #expect(try registry.show(first.name) == first)
        #expect(registry.list().count == 4)
        #expect(try bench.holds(0xab, first))

        let instance = try identity.map { _ in try bench.instance(first) }
        try registry.reset(first.name, to: bench.master)
        let fresh = try registry.show(first.name)
        if identity != nil { #expect(try bench.instance(fresh) != instance, "a reset guest passes for the old one") }
        #expect(try bench.isIdentical(fresh))
        #expect(try bench.masterDigest() == bench.digest)

        #expect(registry.clones(of: bench.master.name).count == 4)
        #expect(throws: CloneError(.conflict, "")) { try registry.checkRemovable(bench.master.name) }
        try registry.remove([first.name])
        #expect(throws: CloneError(.notFound, "")) { try registry.show(first.name) }
        #expect(throws: CloneError(.notFound, "")) { try registry.remove([first.name]) }
        #expect(throws: CloneError(.notFound, "")) { try registry.reset(first.name, to: bench.master) }
        try registry.remove(registry.list().map(\.name))
        try registry.checkRemovable(bench.master.name)
        #expect(try bench.registry().list().isEmpty)
        #expect(try bench.strays(registry).isEmpty)
        #expect(try bench.masterDigest() == bench.digest)
    }

    func refusesANameTaken() throws {
        let bench = try bench("clash")
        let registry = try bench.registry()
        let taken = try bench.create(try CloneName("web-2"), with: registry).clones[0]
        try bench.write(0x11, to: taken)
        #expect(throws: CloneError(.conflict, "")) {
            try bench.create(try CloneName("web"), count: 3, with: registry)
        }
        #expect(registry.list() == [taken])
        #expect(try bench.strays(registry).isEmpty)
        #expect(try bench.holds(0x11, taken), "the clone that had the name was touched")
        try bench.discard(registry)
    }

    func seesThatAClonesArtefactIsGone() throws {
        let bench = try bench("missing")
        let registry = try bench.registry()
        let clone = try bench.create(try CloneName("web"), with: registry).clones[0]
        try bench.lose(clone)
        guard case .broken(let reason) = try registry.health(of: clone.name, master: bench.master) else {
            Issue.record("a clone without its file passes for healthy")
            return
        }
        #expect(reason.contains(clone.backend.isBlockDevice ? "clone map" : "missing"))
        try registry.reset(clone.name, to: bench.master)
        #expect(try registry.health(of: clone.name, master: bench.master) == .ok)
        #expect(try bench.isIdentical(clone))
        try bench.discard(registry)
    }

    /// A disk that fills up at any byte of a batch leaves no clone and no file, and removing works on a full disk.
    func leavesNothingWhenTheDiskIsFull() throws {
        let measured = FaultyFiles()
        let trial = try bench("full-trial")
        let trialRegistry = try trial.registry(measured)
        _ = try trial.create(try CloneName("kept"), with: trialRegistry)
        measured.plant(.none)
        _ = try trial.create(try CloneName("web"), count: 3, with: trialRegistry)
        let total = measured.written
        // Devices have one name on the whole host.
        try trial.discard(trialRegistry)
        let steps = 10
        for step in Swift.stride(from: 0, to: steps, by: stride) {
            let bench = try bench("full-\(step)")
            let files = FaultyFiles()
            let registry = try bench.registry(files)
            let kept = try bench.create(try CloneName("kept"), with: registry).clones
            files.plant(.full(after: total * step / steps))
            #expect(throws: CloneError(.noSpace, ""), "with \(step)/\(steps) of the space") {
                try bench.create(try CloneName("web"), count: 3, with: registry)
            }
            #expect(registry.list() == kept)
            #expect(try bench.strays(registry).isEmpty)
            let restarted = try bench.restarted()
            #expect(restarted.list() == kept)
            #expect(try bench.strays(restarted).isEmpty)

            files.plant(.full(after: 0))
            try registry.remove(kept.map(\.name))
            #expect(registry.list().isEmpty)
            #expect(try bench.registry().list().isEmpty || bench.registry().list() == kept)
            #expect(try bench.strays(registry).isEmpty)
            try bench.discard(registry)
        }
    }

    /// The process dies before, or in the middle of, each single operation; a new registry then finds all or nothing.
    func survivesACrashAnywhere() throws {
        try atEveryOperation("crash", from: 0, { .crash(at: $0) }) { bench, _, _ in try bench.restarted() }
    }

    /// Each single operation fails once; the same registry then goes on without a leak.
    func survivesAFailureAnywhere() throws {
        try atEveryOperation("fail", from: stride / 2, { .failOnce(at: $0) }) { bench, registry, files in
            files.plant(.none)
            registry.recover()
            if Guest.isHere {
                _ = registry.repair()
                _ = try registry.map { _ in bench.master }
            }
            let onDisk = try bench.registry().list()
            #expect(registry.list() == onDisk, "the registry and its records differ")
            return registry
        }
    }

    private func atEveryOperation(
        _ label: String, from first: Int, _ fault: (Int) -> FaultyFiles.Fault,
        continuing: (Bench, CloneRegistry, FaultyFiles) throws -> CloneRegistry
    ) throws {
        let base = try CloneName("web")
        let names = try CloneName.series(base, count: 3)

        func each(
            _ step: String, prepare: (Bench, CloneRegistry) throws -> Void,
            act: (Bench, CloneRegistry) throws -> Void, verify: (Bench, CloneRegistry, Bool) throws -> Void
        ) throws {
            var operation = first
            while true {
                let bench = try bench("\(label)-\(step)-\(operation)")
                let files = FaultyFiles()
                let registry = try bench.registry(files)
                try prepare(bench, registry)
                files.plant(fault(operation))
                let succeeded = (try? act(bench, registry)) != nil
                let reached = files.operations > operation
                let after = try continuing(bench, registry, files)
                let comment: Comment = "\(step), fault at operation \(operation)"
                #expect(try bench.strays(after).isEmpty, comment)
                #expect(try bench.masterDigest() == bench.digest, comment)
                for clone in after.list() {
                    #expect(try after.health(of: clone.name, master: bench.master) == .ok, comment)
                }
                if identity != nil {
                    #expect(try Set(after.list().map(bench.instance)).count == after.list().count, comment)
                }
                try verify(bench, after, succeeded)
                try bench.discard(after)
                guard reached else {
                    #expect(succeeded, comment)
                    break
                }
                operation += stride
            }
            // A volume is reset in three operations of LVM: a new one, the old one gone, the name.
            #expect(operation > 2, "the \(step) was not watched")
        }

        try each("create") { _, _ in
        } act: { bench, registry in
            _ = try bench.create(base, count: 3, with: registry)
        } verify: { bench, registry, succeeded in
            let found = registry.list().map(\.name)
            #expect(found == names || (!succeeded && found.isEmpty), "half a batch is listed: \(found)")
            if found.isEmpty { _ = try bench.create(base, count: 3, with: registry) }
            let areIdentical = try registry.list().allSatisfy { try bench.isIdentical($0) }
            #expect(areIdentical)
        }

        try each("reset") { bench, registry in
            let clone = try bench.create(base, with: registry).clones[0]
            try bench.write(0x77, to: clone)
        } act: { bench, registry in
            try registry.reset(base, to: bench.master)
        } verify: { bench, registry, succeeded in
            let clone = try registry.show(base)
            let isNew = try bench.isIdentical(clone)
            #expect(try isNew || (!succeeded && bench.holds(0x77, clone)), "a reset left neither the old nor the new")
        }

        try each("remove") { bench, registry in
            _ = try bench.create(base, count: 3, with: registry)
        } act: { _, registry in
            try registry.remove(names)
        } verify: { bench, registry, succeeded in
            let found = registry.list().map(\.name)
            #expect(found.isEmpty || (!succeeded && found == names), "half a batch is listed: \(found)")
            let areIdentical = try registry.list().allSatisfy { try bench.isIdentical($0) }
            #expect(areIdentical)
        }
    }
}
