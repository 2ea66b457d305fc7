// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CloneBench
import FileLayer
import Glibc
import ImageStore
import PeerService

struct BenchClones: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clones",
        abstract: "Measure how fast clones are made, read and written, for every backend of this host.",
        discussion: """
            Makes a master of random data and clones of it in a scratch folder, drover-bench, in the store's folder or \
            the one that --folder names, and measures them with fio through the path a guest uses: files and devices \
            alike are opened by qemu-storage-daemon with the page cache passed by. With --in-guest fio runs inside \
            booted guests instead, on virtio disks with cache=none. A raw and a sparse file are measured beside them. \
            Your masters and clones are not touched, and the scratch folder is removed at the end, also after Ctrl-C.

              drover bench clones                               everything this host has
              drover bench clones --backend qcow2,reflink --chart clones.html
              drover bench clones --folder /srv/vm --size 8G --seconds 30
              drover bench clones --in-guest --size 512M

            A case ends after --seconds or when its half of the disk is done. Medians are shown with the least and the \
            greatest value; what those do not keep apart is not told apart. Run it while the host is quiet, on the disk \
            that will hold the clones. Needs fio and qemu-storage-daemon (Debian: fio, qemu-system-common); with \
            --in-guest fio, qemu, busybox, kmod and a kernel (fio, qemu-system-x86, busybox-static, kmod, \
            linux-image-amd64).
            """)

    @Option(
        help: ArgumentHelp(
            "Which backends, separated by commas. (default: all that work here)", valueName: "backends"))
    var backend: String?

    @Option(help: ArgumentHelp("The master's size, half of it data: 2G, 512M.", valueName: "size"))
    var size = SizeText(2 << 30)

    @Option(help: ArgumentHelp("How often everything is repeated.", valueName: "count"))
    var `repeat` = 3

    @Option(help: ArgumentHelp("The longest time for one case.", valueName: "seconds"))
    var seconds = 5

    @Option(
        help: ArgumentHelp("How many clones of each backend are made for the times of creation.", valueName: "count"))
    var clones = 100

    @Option(
        help: ArgumentHelp("Where the scratch folder is made. (default: the store)", valueName: "dir"),
        completion: .directory)
    var folder: String?

    @Option(
        help: ArgumentHelp(
            "Also measure this partition. EVERYTHING ON IT IS LOST; it must not be in use.", valueName: "device"),
        completion: .file())
    var partition: String?

    @Flag(help: "Take the partition also when there is something on it.")
    var overwrite = false

    @Flag(help: "Run fio inside guests that have each disk, on KVM where it works, and else all emulated.")
    var inGuest = false

    @Option(
        help: ArgumentHelp(
            "The guests' kernel; its modules are in ../lib/modules beside its folder. (default: one in /boot)",
            valueName: "vmlinuz"),
        completion: .file())
    var kernel: String?

    @Option(
        help: ArgumentHelp(
            "A number that the order of the disks follows from, to have it again. (default: random)",
            valueName: "number"))
    var seed: UInt32?

    @Option(
        help: ArgumentHelp("Write the result as JSON into this file.", valueName: "file"), completion: .file())
    var json: String?

    @Option(
        help: ArgumentHelp(
            "Write a chart into this file: one page of HTML that needs nothing else.", valueName: "file"),
        completion: .file())
    var chart: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (64 << 20...16 << 40).contains(size.bytes), size.bytes % (1 << 20) == 0 else {
            throw ValidationError("--size must be whole MiB from 64M to 16T")
        }
        guard (1...100).contains(self.repeat) else { throw ValidationError("--repeat must be from 1 to 100") }
        guard (1...3600).contains(seconds) else { throw ValidationError("--seconds must be from 1 to 3600") }
        guard (1...10_000).contains(clones) else { throw ValidationError("--clones must be from 1 to 10000") }
        guard partition != nil || !overwrite else { throw ValidationError("--overwrite is for --partition") }
        guard inGuest || kernel == nil else { throw ValidationError("--kernel is for --in-guest") }
    }

    func run() async throws {
        for path in [json, chart].compactMap(\.self) { try Self.checkTarget(path) }
        var options = CloneBench.Options(
            folder: StoreLayout.resolve(folder ?? store.root),
            settings: BenchReport.Settings(
                size: size.bytes, seconds: seconds, repetitions: self.repeat, clones: clones,
                seed: seed ?? .random(in: .min ... .max), inGuest: inGuest))
        options.backends = backend?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
        options.partition = partition
        options.overwrites = overwrite
        options.kernel = kernel.map { StoreLayout.resolve($0) }

        let report = try await measure(options)
        if let json { try Self.write(try OutputOptions.text(of: report) + "\n", to: json) }
        if let chart { try Self.write(BenchPage(report).html, to: chart) }
        switch output.format {
        case .json: try OutputOptions.json(report)
        case .table: Terminal.data(BenchText(report).description)
        }
    }

    private func measure(_ options: CloneBench.Options) async throws -> BenchReport {
        let line = ProgressLine(isQuiet: output.quiet)
        defer { line.end() }
        do {
            return try await CloneBench.run(options, date: Self.now) { line.show($0) }
        } catch let error as BenchError {
            throw HostFailure(error)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw HostFailure(error)
        }
    }

    /// Refuses before minutes of work what could not be written after them.
    private static func checkTarget(_ path: String) throws {
        var status = stat()
        let folder = path.contains("/") ? path.parentDirectory : "."
        let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        guard !isFolder, access(folder, W_OK) == 0 else {
            throw HostFailure(.usage, "\(path) cannot be written; name a file in a folder that is there and writable")
        }
    }

    private static func write(_ text: String, to path: String) throws {
        do {
            try PosixFiles().replace(StoreLayout.resolve(path), with: Array(text.utf8))
        } catch {
            throw HostFailure(error)
        }
    }

    /// Such as `2026-11-26 16:52 UTC`.
    private static var now: String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
    }
}

extension HostFailure {
    init(_ error: BenchError) {
        let code: Code =
            switch error.kind {
            case .usage: .usage
            case .notFound: .notFound
            case .conflict: .conflict
            case .noSpace: .noSpace
            case .failed: .failed
            }
        self.init(code, error.description)
    }
}
