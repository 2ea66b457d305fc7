// SPDX-License-Identifier: Apache-2.0

import Glibc
import Subprocess
import SystemPackage

/// One run of an external program on an image, which is its standard input: without a shell, with limits on time, memory
/// and what it may say.
struct ToolCall {
    /// Seconds of processor, and by the clock: a sound image needs hundredths.
    private static let processorSeconds = 20
    private static let patience = Duration.seconds(60)
    private static let addressSpace = 1 << 30
    private static let outputLimit = 4 << 20
    private static let errorLimit = 64 << 10
    /// Where administrators' programs are, which other users' paths lack.
    private static let folders = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]

    /// The path of a program, or `nil` when it is not installed.
    static func find(_ program: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return (path.split(separator: ":").map(String.init) + folders).lazy.filter { $0.hasPrefix("/") }
            .map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    let program: String
    let arguments: [String]

    struct Output {
        let bytes: [UInt8]
        /// Its own words.
        let errors: String
        let isSuccess: Bool
    }

    /// - Throws: ``LintObstacle``; `CancellationError` when the task was cancelled.
    func run(on image: FileDescriptor) async throws -> Output {
        try await withThrowingTaskGroup(of: Output?.self) { group in
            group.addTask { try await start(on: image) }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let output = first else {
                throw LintObstacle(
                    "\(program.lastPart) did not come to an end within \(Self.patience.components.seconds) s")
            }
            return output
        }
    }

    private func start(on image: FileDescriptor) async throws -> Output {
        do {
            let limits = ["--as=\(Self.addressSpace)", "--cpu=\(Self.processorSeconds)", "--core=0", "--"]
            let result = try await Subprocess.run(
                .name("prlimit"), arguments: Arguments(limits + [program] + arguments),
                environment: .inherit.updating(["LC_ALL": "C"]),
                input: .fileDescriptor(image, closeAfterSpawningProcess: false),
                output: .bytes(limit: Self.outputLimit), error: .string(limit: Self.errorLimit))
            try Task.checkCancellation()
            return Output(
                bytes: result.standardOutput, errors: result.standardError,
                isSuccess: result.terminationStatus.isSuccess)
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            throw LintObstacle("\(program.lastPart) found more than is sensible to read")
        }
    }
}

extension String {
    fileprivate var lastPart: String { split(separator: "/").last.map(String.init) ?? self }
}
