// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// What a program and all it started asked of the kernel about files and networks, as strace saw it.
struct FileTrace {
    let finished: ChildProcess.Finished
    /// One call each, those put together that another process's calls came between.
    private let lines: [String]

    /// Runs `program` to its end.
    init(
        of program: String, _ arguments: [String], into path: String, environment: [String: String] = [:]
    ) async throws {
        finished = try await ChildProcess.run(
            "strace",
            ["-f", "--seccomp-bpf", "-qq", "-s", "4096", "-o", path, "-e", "trace=%file,%network,unshare", program]
                + arguments,
            environment: environment)
        lines = Self.calls(String(decoding: try readFile(path), as: UTF8.self))
        guard lines.contains(where: { $0.contains("execve(") }) else { throw TestFailure("nothing was traced") }
    }

    /// Whether the kernel heard of a path or a name at all.
    func mentions(_ text: String) -> Bool { lines.contains { $0.contains(text) && !$0.contains("execve(") } }

    /// The files below `folder` that were opened.
    func opened(below folder: String) -> Set<String> {
        Set(
            lines.filter { $0.contains(" open") && !$0.contains(" = -1 ") }.compactMap { line in
                line.split(separator: "\"").dropFirst().first.map(String.init)
            }.filter { $0.hasPrefix(folder + "/") })
    }

    /// The programs that were started, by their names.
    var programs: [String] {
        lines.filter { $0.contains("execve(") && $0.hasSuffix(" = 0") }.compactMap { line in
            line.split(separator: "\"").dropFirst().first?.split(separator: "/").last.map(String.init)
        }
    }

    /// The lines in which `text` stands.
    func lines(with text: String) -> [String] { lines.filter { $0.contains(text) } }

    private static func calls(_ trace: String) -> [String] {
        var calls: [String] = []
        var begun: [Substring: Substring] = [:]
        for line in trace.split(separator: "\n") {
            let process = line.prefix { $0 != " " }
            if let end = line.firstRange(of: " <unfinished ...>") {
                begun[process] = line[..<end.lowerBound]
            } else if let start = line.firstRange(of: " resumed>"), let beginning = begun.removeValue(forKey: process) {
                calls.append(String(beginning) + String(line[start.upperBound...]))
            } else {
                calls.append(String(line))
            }
        }
        return calls + begun.values.map(String.init)
    }
}
