// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage

/// A program of others that the benchmark runs, never through a shell. `timeout` bounds its time, also when this process
/// is killed.
struct BenchTool {
    let name: String
    /// The Debian package that holds it.
    let package: String

    static let fio = BenchTool(name: "fio", package: "fio")
    static let storageDaemon = BenchTool(name: "qemu-storage-daemon", package: "qemu-system-common")
    static let blkid = BenchTool(name: "blkid", package: "util-linux")
    static let qemu = BenchTool(name: "qemu-system-x86_64", package: "qemu-system-x86")
    static let busybox = BenchTool(name: "busybox", package: "busybox-static")
    static let kmod = BenchTool(name: "kmod", package: "kmod")

    struct Finished {
        let status: Int
        let output: String
        let errors: String

        /// The last thing it said about its failure.
        var reason: String {
            let line = errors.split(separator: "\n").last ?? output.split(separator: "\n").last
            return line.map(String.init) ?? "exit status \(status) and no reason given"
        }
    }

    private static let outputLimit = 1 << 20
    private static let errorLimit = 64 << 10
    /// What `timeout` reports when the time was up, and when it could not start the program.
    private static let timedOut = 124
    private static let notStarted = [126, 127]

    /// Runs it to its end, whatever its exit status.
    /// - Throws: ``BenchError`` when it is missing or took longer than `seconds`; `CancellationError`.
    func run(_ arguments: [String], in folder: String? = nil, seconds: Int) async throws -> Finished {
        let result = try await Subprocess.run(
            .name("timeout"), arguments: Arguments(limited(arguments, seconds: seconds)),
            environment: Self.environment, workingDirectory: folder.map { FilePath($0) },
            platformOptions: Self.options, output: .string(limit: Self.outputLimit),
            error: .string(limit: Self.errorLimit))
        try Task.checkCancellation()
        let finished = Finished(
            status: Self.code(result.terminationStatus), output: result.standardOutput, errors: result.standardError)
        guard finished.status != Self.timedOut else {
            throw BenchError(.failed, "\(name) was not done within \(seconds) s; is the disk stuck?")
        }
        guard !Self.notStarted.contains(finished.status) else { throw missing }
        return finished
    }

    /// Runs it while `body` works, from its first line on standard output on, and then ends it.
    /// - Throws: ``BenchError`` when it ends without a line; whatever `body` throws.
    func serve<Result: Sendable>(
        _ arguments: [String], in folder: String, seconds: Int, while body: () async throws -> Result
    ) async throws -> Result {
        let run = try await Subprocess.run(
            .name("timeout"), arguments: Arguments(limited(arguments, seconds: seconds)),
            environment: Self.environment, workingDirectory: FilePath(folder), platformOptions: Self.options,
            input: .none, output: .sequence, error: .string(limit: Self.errorLimit)
        ) { execution in
            var output = execution.standardOutput.makeAsyncIterator()
            guard try await output.next() != nil else { return Result?.none }
            let result = try await body()
            await execution.teardown(using: Self.options.teardownSequence)
            return result
        }
        try Task.checkCancellation()
        guard let result = run.closureResult else {
            let finished = Finished(
                status: Self.code(run.terminationStatus), output: "", errors: run.standardError)
            throw Self.notStarted.contains(finished.status)
                ? missing : BenchError(.failed, "\(name): \(finished.reason)")
        }
        return result
    }

    /// The first line of what it says about its version, without its name.
    func version() async throws -> String {
        let finished = try await run(["--version"], seconds: 10)
        guard finished.status == 0, let line = finished.output.split(separator: "\n").first else {
            throw BenchError(.failed, "\(name) does not run: \(finished.reason)")
        }
        return String(line)
    }

    /// Where it is.
    /// - Throws: ``BenchError`` when it is missing.
    func path() throws(BenchError) -> String {
        let places: [String] = Self.folders.split(separator: ":").map { "\($0)/\(name)" }
        guard let found = places.first(where: { access($0, X_OK) == 0 }) else { throw missing }
        return found
    }

    private var missing: BenchError {
        BenchError(.failed, "\(name) is missing; install it (Debian: apt-get install \(package))")
    }

    private func limited(_ arguments: [String], seconds: Int) -> [String] {
        ["--kill-after=10", "\(seconds)", name] + arguments
    }

    private static let options: PlatformOptions = {
        var options = PlatformOptions()
        // `timeout` hands the signal on and waits for its child.
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(20))]
        return options
    }()

    /// As PATH has them, and the system's beside, since the PATH of a service often lacks those.
    private static let folders =
        (ProcessInfo.processInfo.environment["PATH"].map { $0 + ":" } ?? "") + "/usr/sbin:/usr/bin:/sbin:/bin"

    private static let environment: Environment = .inherit.updating(["PATH": folders, "LC_ALL": "C"])

    private static func code(_ status: TerminationStatus) -> Int {
        switch status {
        case .exited(let code): Int(code)
        case .signaled(let signal): 128 + Int(signal)
        }
    }
}
