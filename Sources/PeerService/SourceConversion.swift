// SPDX-License-Identifier: Apache-2.0

import Subprocess
import SystemPackage

/// Converts a source image of any format qemu-img reads to raw, in a child process with limits on memory and time.
struct SourceConversion {
    /// The child's address space, and the processor seconds it may use. Far more than a sound image needs.
    private static let addressSpace = 4 << 30
    private static let processorSeconds = 4 * 3600
    private static let errorLimit = 16 * 1024

    let source: String
    let format: SourceFormat
    let target: String

    /// - Parameter progress: told parts of a thousand.
    /// - Throws: ``HostFailure`` with qemu-img's own words; `CancellationError` when the task was cancelled.
    func run(progress: @escaping @Sendable (Int) -> Void) async throws {
        let arguments: Arguments = [
            "--as=\(Self.addressSpace)", "--cpu=\(Self.processorSeconds)", "--core=0", "--",
            "qemu-img", "convert", "-p", "-f", format.driver, "-O", "raw", "-S", "4k", source, target,
        ]
        let result = try await Subprocess.run(
            .name("prlimit"), arguments: arguments, input: .none, output: .sequence,
            error: .string(limit: Self.errorLimit)
        ) { execution in
            var line: [UInt8] = []
            for try await buffer in execution.standardOutput {
                for byte in buffer.withUnsafeBytes({ Array($0) }) {
                    // qemu-img rewrites its line: "    (12.34/100%)" and a carriage return.
                    if byte == 0x0d || byte == 0x0a {
                        line.removeAll(keepingCapacity: true)
                    } else if line.count < 64 {
                        line.append(byte)
                        if byte == 0x29, let part = Self.thousandths(line) { progress(part) }
                    }
                }
            }
        }
        try Task.checkCancellation()
        guard result.terminationStatus.isSuccess else {
            let line = result.standardError.split(separator: "\n").first.map(String.init) ?? "no reason given"
            let words = line.hasPrefix("qemu-img: ") ? String(line.dropFirst("qemu-img: ".count)) : line
            if words.contains("No space left on device") {
                throw HostFailure(
                    .noSpace,
                    "the store's disk filled up while \(source) was converted; free some space or use a store on a "
                        + "larger disk")
            }
            throw HostFailure(
                .failed, "qemu-img could not convert \(source) from \(format.rawValue): \(words)")
        }
    }

    private static func thousandths(_ line: [UInt8]) -> Int? {
        guard let open = line.lastIndex(of: 0x28), let slash = line.lastIndex(of: 0x2f), open < slash else {
            return nil
        }
        return Double(String(decoding: line[(open + 1)..<slash], as: UTF8.self)).map { Int($0 * 10) }
    }
}
