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
        let machine = try await MachineDescription.here(options.folder)
        try checkSpace(options)
        let partition: BenchPartition? =
            if let path = options.partition {
                try await BenchPartition(path, size: options.settings.size, overwrites: options.overwrites)
            } else { nil }
        let scratch = try ScratchFolder(in: options.folder)
        do {
            let bench = try CloneBench(options, in: scratch, partition: partition, progress: progress)
            let (subjects, absent) = try await bench.measure(kinds)
            try scratch.remove()
            return BenchReport(
                date: date, machine: machine, settings: options.settings, load: load, subjects: subjects,
                absent: absent)
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
        let needed = BenchPlan.space(for: options.settings.size)
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
        _ options: Options, in scratch: ScratchFolder, partition: BenchPartition?,
        progress: @escaping @Sendable (String) -> Void
    ) throws {
        self.options = options
        self.scratch = scratch
        self.partition = partition
        self.progress = progress
        registry = try scratch.registry()
        guard let name = MasterName(name: "bench", version: 1) else {
            throw BenchError(.failed, "bench@1 is no name for a master; this is a bug")
        }
        master = try MasterImage(name: name, path: scratch.master, size: options.settings.size)
    }

    // MARK: The run

    private func measure(
        _ kinds: [CloneBackendKind]?
    ) async throws -> (subjects: [BenchReport.Subject], absent: [BenchReport.Absent]) {
        try prepare()
        var (subjects, absent) = probe(kinds)
        var measured: [BenchSubject: Measurements] = [:]
        let settings = options.settings
        let plan = BenchPlan(subjects: subjects, repetitions: settings.repetitions, clones: settings.clones)
        for (number, step) in plan.steps.enumerated() where subjects.contains(step.subject) {
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
        let reports = subjects.map { subject in
            let own = measured[subject] ?? Measurements()
            let reference = own.path.map(\.reference)
            return BenchReport.Subject(
                subject, own, reference: reference == subject ? nil : reference.flatMap { measured[$0] })
        }
        return (reports, absent)
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
        if let partition { subjects.append(.partition(partition.path)) }
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
        try await withDisk(of: step.subject) { disk in
            measured.path = disk.path
            let cases = step.stage.cases
            let values: [(IOCase, Double)]
            if let image = disk.image {
                try PosixFiles().remove("\(scratch.path)/\(ImageExport.socket)")
                let limit = cases.count * FioJob.longest(options.settings.seconds)
                values = try await image.serve(in: scratch.path, seconds: limit) {
                    try await run(cases, on: .socket(ImageExport.socket))
                }
            } else {
                values = try await run(cases, on: .path(disk.place))
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

    private struct Disk {
        let path: BenchPath
        let place: String
        let image: ImageExport?

        static func file(_ place: String) -> Disk {
            Disk(path: .export, place: place, image: ImageExport(path: place, format: "raw", backing: nil))
        }
    }

    /// Hands out the subject's disk; a clone is made for it and removed.
    private func withDisk(of subject: BenchSubject, _ body: (Disk) async throws -> Void) async throws {
        switch subject {
        case .rawFile: try await body(.file(scratch.rawFile))
        case .bareFile: try await body(Disk(path: .file, place: scratch.rawFile, image: nil))
        case .partition(let path): try await body(Disk(path: .device, place: path, image: nil))
        case .sparseFile:
            // Fresh each time, since writing fills its holes.
            defer { try? PosixFiles().remove(scratch.sparseFile) }
            let file = try PosixFiles().open(scratch.sparseFile, .createNew)
            try file.truncate(to: options.settings.size)
            try MasterData(size: options.settings.size).write(to: file, hasHoles: true)
            try scratch.settle()
            try await body(.file(scratch.sparseFile))
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

    private func disk(of clone: Clone) -> Disk {
        var status = stat()
        if stat(clone.path, &status) == 0, status.st_mode & S_IFMT == S_IFBLK {
            return Disk(path: .device, place: clone.path, image: nil)
        }
        guard clone.backend == .qcow2 else { return .file(clone.path) }
        return Disk(
            path: .export, place: clone.path,
            image: ImageExport(path: clone.path, format: "qcow2", backing: master.path))
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
        if disk(of: first.clone).path == .export { measured.bytes = OwnBlocks.bytes(of: first.clone.path) }
        var spent = 0.0
        for _ in 0..<count where spent < Self.creationBudget {
            try Task.checkCancellation()
            let made = try create(kind, suffix: "next")
            spent += made.seconds
            measured.creation.append(made.seconds)
            try registry.remove([made.clone.name])
        }
        try registry.remove([first.clone.name])
        if measured.sharesBlocks == nil, let backend = registry.backends.first(where: { $0.kind == kind }),
            case .available(let facts) = backend.probe(master, settings: .none)
        {
            measured.sharesBlocks = facts.sharesBlocks
        }
    }
}
