// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A tool that ran to its end.
struct ToolRun {
    let status: Int32
    /// What it printed on stdout and stderr.
    let output: String

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs a tool found in PATH or the system's folders, without a shell.
    static func run(_ tool: String, _ arguments: [String]) throws -> ToolRun {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool] + arguments
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = (environment["PATH"].map { $0 + ":" } ?? "") + "/usr/sbin:/usr/bin:/sbin:/bin"
        environment["LC_ALL"] = "C"
        process.environment = environment
        let pipe = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return ToolRun(status: process.terminationStatus, output: String(decoding: data, as: UTF8.self))
    }

    /// Runs a tool that must succeed.
    @discardableResult
    static func check(_ tool: String, _ arguments: String...) throws -> String {
        let run = try run(tool, arguments)
        guard run.status == 0 else {
            throw Failure(
                description: "\(tool) \(arguments.joined(separator: " ")) exited \(run.status): \(run.output)")
        }
        return run.output
    }
}
