// SPDX-License-Identifier: Apache-2.0

import ImageStore
import Subprocess
import SystemPackage

/// Converts a source image of any format qemu-img reads to raw, in a child process with limits on memory and time, and
/// without a network where the kernel lets it be cut off.
struct SourceConversion {
    /// The child's address space, and the processor seconds it may use. Far more than a sound image needs.
    private static let addressSpace = 4 << 30
    private static let processorSeconds = 4 * 3600
    private static let errorLimit = 16 * 1024

    /// The image whose headers were checked. The child gets this open file, so that it cannot be given another one.
    let source: SourceLock
    /// What people call it.
    let name: String
    let format: SourceFormat
    let target: String

    /// - Parameter progress: told parts of a thousand.
    /// - Throws: ``HostFailure`` with qemu-img's own words; `CancellationError` when the task was cancelled.
    func run(progress: @escaping @Sendable (Int) -> Void) async throws {
        let isolation = await NetworkIsolation.ofThisHost()
        let command =
            isolation.command + [
                "prlimit", "--as=\(Self.addressSpace)", "--cpu=\(Self.processorSeconds)", "--core=0", "--",
                "qemu-img", "convert", "-p", "-O", "raw", "-S", "4k", image, target,
            ]
        let result = try await Subprocess.run(
            .name(command[0]), arguments: Arguments(Array(command.dropFirst())),
            input: .fileDescriptor(FileDescriptor(rawValue: source.descriptor), closeAfterSpawningProcess: false),
            output: .sequence, error: .string(limit: Self.errorLimit)
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
            let words = (line.hasPrefix("qemu-img: ") ? String(line.dropFirst("qemu-img: ".count)) : line)
                .replacing("'\(image)'", with: name)
            if words.contains("No space left on device") {
                throw HostFailure(
                    .noSpace,
                    "the store's disk filled up while \(name) was converted; free some space or use a store on a "
                        + "larger disk")
            }
            throw HostFailure(
                .failed, "qemu-img could not convert \(name) from \(format.rawValue): \(words)")
        }
    }

    /// The source as qemu-img is told it: the format, the driver below it and the open file, and nothing behind the image
    /// even if its header named something after all.
    private var image: String {
        // A VHD is as large as its footer says; qemu would compute a smaller size for some.
        let size = format == .vhd ? #""force_size_calc":"current_size","# : ""
        return #"json:{"driver":"\#(format.driver)","read-only":true,"backing":null,\#(size)"#
            + #""file":{"driver":"file","filename":"/proc/self/fd/0"}}"#
    }

    private static func thousandths(_ line: [UInt8]) -> Int? {
        guard let open = line.lastIndex(of: 0x28), let slash = line.lastIndex(of: 0x2f), open < slash else {
            return nil
        }
        return Double(String(decoding: line[(open + 1)..<slash], as: UTF8.self)).map { Int($0 * 10) }
    }
}
