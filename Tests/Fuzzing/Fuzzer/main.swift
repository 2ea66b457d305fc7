// SPDX-License-Identifier: Apache-2.0

import CLibFuzzer
import FuzzTargets
import Glibc

/// Runs one fuzz target under libFuzzer: `Fuzzer --target=NAME` and libFuzzer's own arguments, which the driver gets
/// as they are, the target among them: it passes over what begins with two dashes, and hands it on to the processes it
/// starts itself. `Fuzzer --list` prints the names.
enum Fuzzer {
    static let target: FuzzTarget? = CommandLine.arguments.lazy
        .compactMap { argument in
            argument.hasPrefix("--target=") ? FuzzTarget.named(String(argument.dropFirst(9))) : nil
        }.first

    static func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    /// Runs the target once. What it finds ends the process, so that libFuzzer keeps the input.
    static func run(_ bytes: [UInt8]) {
        do {
            try target?.run(bytes)
        } catch {
            say("FINDING: \(error)")
            abort()
        }
    }
}

if CommandLine.arguments.contains("--list") {
    for target in FuzzTarget.all { print(target.name) }
    exit(0)
}
guard let target = Fuzzer.target else {
    Fuzzer.say("usage: Fuzzer --list | --target=NAME [libFuzzer's arguments]")
    exit(2)
}
// Arguments that follow may say otherwise.
let arguments =
    CommandLine.arguments.prefix(1) + ["-max_len=\(target.maximumLength)"] + CommandLine.arguments.dropFirst()
var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
var count = Int32(arguments.count)
let status = pointers.withUnsafeMutableBufferPointer { buffer in
    var start = buffer.baseAddress
    return LLVMFuzzerRunDriver(&count, &start) { bytes, count in
        Fuzzer.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }
}
exit(status)
