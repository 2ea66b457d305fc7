// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// One run of fio: which case, on what, and how long.
package struct FioJob: Equatable, Sendable {
    package enum Target: Equatable, Sendable {
        /// An NBD server's Unix socket, relative to the folder in which fio runs.
        case socket(String)
        /// A file or block device.
        case path(String)
    }

    package let ioCase: IOCase
    package let target: Target
    /// Of the whole disk, in bytes.
    package let size: Int64
    /// It ends after this time, or when its area is done.
    package let seconds: Int
    /// Bytes after which it ends: what the case before has done, for one that repeats it.
    package let byteLimit: Int64?

    package init(ioCase: IOCase, target: Target, size: Int64, seconds: Int, byteLimit: Int64?) {
        self.ioCase = ioCase
        self.target = target
        self.size = size
        self.seconds = seconds
        self.byteLimit = byteLimit
    }

    /// The export's name.
    static let exportName = "disk"

    package var arguments: [String] {
        let area = ioCase.area(of: size)
        let direction = ioCase.isWrite ? "write" : "read"
        var arguments = [
            "--name=case", "--output-format=json", "--eta=never", "--thread",
            "--rw=\(ioCase.countsBytes ? "" : "rand")\(direction)", "--bs=\(ioCase.blockSize)",
            "--iodepth=\(ioCase.depth)", "--offset=\(area.lowerBound)", "--size=\(area.count)",
            "--runtime=\(seconds)",
            // The same blocks in the same order for every subject, and for the case that repeats another.
            "--randrepeat=1", "--randseed=1",
        ]
        switch target {
        case .socket(let socket):
            arguments += ["--ioengine=nbd", "--uri=nbd+unix:///\(Self.exportName)?socket=\(socket)"]
        case .path(let path):
            // A colon separates names in fio.
            let name = path.replacing("\\", with: "\\\\").replacing(":", with: "\\:")
            arguments += ["--ioengine=libaio", "--direct=1", "--filename=\(name)", "--allow_file_create=0"]
        }
        // What was written counts when it is on the disk, the overlay's own tables too.
        if ioCase.isWrite { arguments.append("--end_fsync=1") }
        if let byteLimit { arguments.append("--io_size=\(byteLimit)") }
        return arguments
    }

    /// What fio measured.
    package struct Outcome: Equatable, Sendable {
        /// Bytes or operations a second, as the case counts.
        package let rate: Double
        /// Bytes read or written.
        package let bytes: Int64
    }

    /// Reads fio's JSON, before which it may say other things.
    /// - Throws: ``BenchError`` when there is none, or nothing was measured.
    package func outcome(of output: String) throws(BenchError) -> Outcome {
        guard let start = output.firstIndex(of: "{"),
            let report = try? JSONDecoder().decode(Report.self, from: Data(output[start...].utf8)),
            let job = report.jobs.first
        else { throw BenchError(.failed, "fio gave no report that could be read; is it version 3?") }
        let side = ioCase.isWrite ? job.write : job.read
        let rate = ioCase.countsBytes ? side.bw_bytes : side.iops
        guard job.error == 0, side.io_bytes > 0, rate > 0, rate.isFinite else {
            throw BenchError(.failed, "fio measured nothing in \(ioCase.title); use a larger --size")
        }
        return Outcome(rate: rate, bytes: side.io_bytes)
    }

    /// The part of fio's report that counts, under its names.
    private struct Report: Decodable {
        struct Side: Decodable {
            let io_bytes: Int64
            let bw_bytes: Double
            let iops: Double
        }
        struct Job: Decodable {
            let error: Int
            let read: Side
            let write: Side
        }
        let jobs: [Job]
    }
}

extension FioJob {
    /// For a flush at the end, and a slow start.
    private static let grace = 60

    /// The longest a case of so many seconds may take, in seconds.
    static func longest(_ seconds: Int) -> Int { seconds + grace }

    /// Runs it.
    /// - Parameter folder: where sockets are looked for.
    /// - Throws: ``BenchError`` with fio's own words; `CancellationError`.
    func run(in folder: String) async throws -> Outcome {
        let finished = try await BenchTool.fio.run(arguments, in: folder, seconds: Self.longest(seconds))
        guard finished.status == 0 else {
            throw BenchError(
                finished.errors.contains("No space left") ? .noSpace : .failed,
                "fio failed in \(ioCase.title): \(finished.reason)")
        }
        return try outcome(of: finished.output)
    }
}
