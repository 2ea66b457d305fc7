// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import FileLayer
import Glibc
import Metainfo

/// Measures the clones of every backend this host has, in a scratch folder of its own that is gone afterwards.
package struct CloneBench {
    package struct Options: Sendable {
        /// Where the scratch folder is made: absolute, without symbolic links.
        package var folder: String
        /// The words of the backends to measure, or empty for all.
        package var backends: [String] = []
        package var settings: BenchReport.Settings
        /// A partition to measure for reference; what is on it is lost.
        package var partition: String?
        /// Whether something known on the partition may be lost.
        package var overwrites = false
        /// The kernel for guests; `nil` for one in /boot.
        package var kernel: String?

        package init(folder: String, settings: BenchReport.Settings) {
            self.folder = folder
            self.settings = settings
        }
    }

    /// The most seconds for making clones of one backend in one repetition: full copies of a large master are slow, and
    /// how slow is known after a few.
    private static let creationBudget = 30.0

    private let options: Options
    private let scratch: ScratchFolder
    private let registry: CloneRegistry
    private let master: MasterImage
    private let partition: BenchPartition?
    private let guest: GuestMachine?
    private let progress: @Sendable (String) -> Void

    /// Runs the benchmark.
    /// - Parameters:
    ///   - date: when it began, for the report.
    ///   - progress: told what is being done.
    /// - Throws: ``BenchError``; ``CloneError``; `CancellationError`. The scratch folder is gone then too; where it cannot
    ///   be removed, the next run tries it again.
    package static func run(
        _ options: Options, date: String, progress: @escaping @Sendable (String) -> Void
    ) async throws -> BenchReport {
        let load = MachineDescription.load
        let kinds = try kinds(options.backends)
        let kernel = options.settings.inGuest ? try GuestKernel(options.kernel) : nil
        let machine = try await MachineDescription.here(
            options.folder, qemu: options.settings.inGuest ? .qemu : .storageDaemon)
        try checkSpace(options)
        let partition: BenchPartition? =
            if let path = options.partition {
                try await BenchPartition(path, size: options.settings.size, overwrites: options.overwrites)
            } else { nil }
        let scratch = try ScratchFolder(in: options.folder)
        do {
            var tried: (machine: GuestMachine, obstacle: String?)?
            if let kernel {
                progress("booting a guest to try it")
                tried = try await GuestMachine.tried(kernel, in: scratch.path)
            }
            let bench = try CloneBench(
                options, in: scratch, partition: partition, guest: tried?.machine, progress: progress)
            let (subjects, absent, loads) = try await bench.measure(kinds, load: load)
            try scratch.remove()
            let guest = tried.map {
                GuestDescription(
                    kernel: $0.machine.system.kernel.version, acceleration: $0.machine.acceleration.rawValue,
                    obstacle: $0.obstacle)
            }
            return BenchReport(
                date: date, machine: machine, guest: guest, settings: options.settings, loads: loads,
                subjects: subjects, absent: absent)
        } catch {
            // The first error is the one to tell; the next run meets again whatever keeps the folder from going.
            try? scratch.remove()
            throw error
        }
    }

    /// - Throws: ``CloneError`` of kind `.usage` for a word that is no backend.
    private static func kinds(_ words: [String]) throws -> [CloneBackendKind]? {
        guard !words.isEmpty else { return nil }
        return try words.map { word in
            guard case .only(let kind) = try BackendChoice(word) else {
                throw BenchError(.usage, "auto is no backend to measure; name one, or none for all of them")
            }
            return kind
        }
    }

    private static func checkSpace(_ options: Options) throws {
        let needed = BenchPlan.space(for: options.settings)
        do {
            guard try PosixFiles().status(options.folder) != nil else {
                throw BenchError(
                    .notFound, "there is no folder \(options.folder); name one with --folder or --store")
            }
            let free = try PosixFiles().space(at: options.folder).available
            guard free >= needed else {
                throw BenchError(
                    .noSpace,
                    "the benchmark needs \(FigureText.bytes(needed)) in \(options.folder) and "
                        + "\(FigureText.bytes(free)) are free; free some, use a smaller --size, or name another folder "
                        + "with --folder")
            }
        } catch let error as FileError {
            throw BenchError(error)
        }
    }

    private init(
        _ options: Options, in scratch: ScratchFolder, partition: BenchPartition?, guest: GuestMachine?,
        progress: @escaping @Sendable (String) -> Void
    ) throws {
        self.options = options
        self.scratch = scratch
        self.partition = partition
        self.guest = guest
        self.progress = progress
        registry = try scratch.registry()
        guard let name = MasterName(name: "bench", version: 1) else {
            throw BenchError(.failed, "bench@1 is no name for a master; this is a bug")
        }
        master = try MasterImage(name: name, path: scratch.master, size: options.settings.size)
    }

    // MARK: The run

    /// - Parameter load: of the host before anything was done.
    private func measure(
        _ kinds: [CloneBackendKind]?, load: Double
    ) async throws -> (subjects: [BenchReport.Subject], absent: [BenchReport.Absent], loads: [BenchReport.Load]) {
        try prepare()
        var (subjects, absent) = probe(kinds)
        var measured: [BenchSubject: Measurements] = [:]
        let plan = BenchPlan(subjects: subjects, settings: options.settings)
        var loads: [BenchReport.Load] = []
        var before = load
        for (number, step) in plan.steps.enumerated() {
            if subjects.contains(step.subject) {
                try Task.checkCancellation()
                progress("step \(number + 1) of \(plan.steps.count): \(step.subject.title), \(step.stage.title)")
                do {
                    try await perform(step, into: &measured[step.subject, default: Measurements()])
                } catch {
                    guard step.subject.isClone, !(error is CancellationError), !Task.isCancelled else { throw error }
                    // One backend that fails says nothing about the others; what it measured before is not shown.
                    subjects.removeAll { $0 == step.subject }
                    absent.append(BenchReport.Absent(name: step.subject.word, reason: "\(error)", fix: nil))
                    try registry.remove(registry.list().map(\.name))
                }
            }
            if step.repetition != plan.steps.dropFirst(number + 1).first?.repetition {
                let after = MachineDescription.load
                loads.append(BenchReport.Load(before: before, after: after))
                before = after
            }
        }
        let reports = subjects.map { subject in
            BenchReport.Subject(
                subject, measured[subject] ?? Measurements(),
                reference: subject == .rawFile ? nil : measured[.rawFile])
        }
        return (reports, absent, loads)
    }

    /// Makes the master and what it is compared with.
    private func prepare() throws {
        let data = MasterData(size: options.settings.size)
        let files = PosixFiles()
        do {
            for (path, hasHoles) in [(scratch.master, true), (scratch.rawFile, false)] {
                progress("writing \(path)")
                let file = try files.open(path, .createNew)
                try file.truncate(to: data.size)
                try data.write(to: file, hasHoles: hasHoles)
            }
            try files.setMode(scratch.master, 0o444)
            if let partition {
                progress("writing \(partition.path)")
                try partition.fill(data)
            }
        } catch let error as FileError {
            throw BenchError(error)
        }
    }

    /// What can be measured here: the references, and the backends that work.
    private func probe(_ kinds: [CloneBackendKind]?) -> (subjects: [BenchSubject], absent: [BenchReport.Absent]) {
        var subjects: [BenchSubject] = [.rawFile, .bareFile, .sparseFile]
        if let partition { subjects += [.partition(partition.path), .barePartition(partition.path)] }
        // A guest has no other way to its disk.
        if guest != nil { subjects.removeAll(where: \.isBare) }
        var absent: [BenchReport.Absent] = []
        for backend in registry.backends where kinds?.contains(backend.kind) ?? true {
            switch backend.probe(master, settings: .none) {
            case .available: subjects.append(.clone(backend.kind))
            case .unavailable(let reason, let fix):
                absent.append(BenchReport.Absent(name: backend.kind.rawValue, reason: reason, fix: fix))
            }
        }
        return (subjects, absent)
    }

    private func perform(_ step: BenchPlan.Step, into measured: inout Measurements) async throws {
        try scratch.settle()
        if case .clone(let kind) = step.subject, step.stage == .creation {
            return try make(step.clones, kind, into: &measured)
        }
        let cases = step.stage.cases
        try await withDisk(of: step.subject) { disk in
            let values: [(IOCase, Double)]
            if let guest {
                values = try await guest.measure(cases, on: disk, settings: options.settings)
            } else if step.subject.isBare {
                values = try await run(cases, on: .path(disk.path))
            } else {
                try PosixFiles().remove("\(scratch.path)/\(ImageExport.socket)")
                let limit = cases.count * FioJob.longest(options.settings.seconds)
                values = try await ImageExport(disk).serve(in: scratch.path, seconds: limit) {
                    try await run(cases, on: .socket(ImageExport.socket))
                }
            }
            for (ioCase, value) in values { measured.values[ioCase, default: []].append(value) }
        }
    }

    private func run(_ cases: [IOCase], on target: FioJob.Target) async throws -> [(IOCase, Double)] {
        var values: [(IOCase, Double)] = []
        var before: Int64?
        for ioCase in cases {
            let job = FioJob(
                ioCase: ioCase, target: target, size: options.settings.size, seconds: options.settings.seconds,
                byteLimit: ioCase.isRepetition ? before : nil)
            let outcome = try await job.run(in: scratch.path)
            before = outcome.bytes
            values.append((ioCase, outcome.rate))
        }
        return values
    }

    // MARK: Disks

    /// Hands out the subject's disk; a clone is made for it and removed.
    private func withDisk(of subject: BenchSubject, _ body: (DiskImage) async throws -> Void) async throws {
        switch subject {
        case .rawFile, .bareFile: try await body(DiskImage(path: scratch.rawFile, format: .raw))
        case .partition, .barePartition:
            guard let partition else { throw BenchError(.failed, "there is no partition; this is a bug") }
            try await body(DiskImage(path: partition.place, format: .device))
        case .sparseFile:
            // Fresh each time, since writing fills its holes.
            defer { try? PosixFiles().remove(scratch.sparseFile) }
            let file = try PosixFiles().open(scratch.sparseFile, .createNew)
            try file.truncate(to: options.settings.size)
            try MasterData(size: options.settings.size).write(to: file, hasHoles: true)
            try scratch.settle()
            try await body(DiskImage(path: scratch.sparseFile, format: .raw))
        case .clone(let kind):
            let clone = try create(kind, suffix: "disk").clone
            do {
                try scratch.settle()
                try await body(disk(of: clone))
            } catch {
                try? registry.remove([clone.name])
                throw error
            }
            try registry.remove([clone.name])
        }
    }

    private func disk(of clone: Clone) -> DiskImage {
        var status = stat()
        if stat(clone.path, &status) == 0, status.isBlockDevice { return DiskImage(path: clone.path, format: .device) }
        return DiskImage(path: clone.path, format: clone.backend == .qcow2 ? .qcow2(backing: master.path) : .raw)
    }

    /// - Parameter suffix: tells clones that are there at the same time apart.
    private func create(_ kind: CloneBackendKind, suffix: String) throws -> (clone: Clone, seconds: Double) {
        // The process id keeps it apart from the devices of others.
        let name = try CloneName("bench-\(getpid())-\(suffix)")
        let made = try registry.create(name, of: master, backend: .only(kind))
        guard let clone = made.clones.first else {
            throw BenchError(.failed, "no clone was made where one was asked for; this is a bug")
        }
        return (clone, made.duration / .seconds(1))
    }

    /// Makes clones one after another, each removed before the next. The first one stays meanwhile and counts apart: it
    /// may also make what all clones of a master share.
    private func make(_ count: Int, _ kind: CloneBackendKind, into measured: inout Measurements) throws {
        let first = try create(kind, suffix: "first")
        measured.firstCreation.append(first.seconds)
        if disk(of: first.clone).format != .device { measured.bytes = OwnBlocks.bytes(of: first.clone.path) }
        var spent = 0.0
        var times: [Double] = []
        for _ in 0..<count where spent < Self.creationBudget {
            try Task.checkCancellation()
            let made = try create(kind, suffix: "next")
            spent += made.seconds
            times.append(made.seconds)
            try registry.remove([made.clone.name])
        }
        measured.creation.append(times)
        try registry.remove([first.clone.name])
        if measured.sharesBlocks == nil, let backend = registry.backends.first(where: { $0.kind == kind }),
            case .available(let facts) = backend.probe(master, settings: .none)
        {
            measured.sharesBlocks = facts.sharesBlocks
        }
    }
}
