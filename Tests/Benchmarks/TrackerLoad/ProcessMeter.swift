// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
// A program that holds the standard library needs it for Foundation, which does not say so itself.
import Synchronization

/// What a process uses, from /proc.
struct ProcessMeter {
    private let pid: Int32?
    private let begin: Double

    /// Begins to count.
    init(_ pid: Int32?) throws {
        self.pid = pid
        begin = try pid.map(Self.processorSeconds) ?? 0
    }

    /// A sentence on how often something was done within the seconds, and per second of the process's processor time.
    func rate(of count: Int, in seconds: Double) throws -> String {
        let words = "\(Int(Double(count) / seconds)) announces/s"
        guard let pid else { return words }
        let used = try Self.processorSeconds(pid) - begin
        return "\(words), \(Int(Double(count) / max(used, 0.01))) per second of its processor time"
    }

    /// A sentence on the most memory that the process has had.
    func memory() throws -> String {
        guard let pid else { return "memory not asked for" }
        let line = try Self.read("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        guard let line, let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw LoadError("the memory of process \(pid) is unknown")
        }
        return "the tracker's memory was \(kibibytes >> 10) MiB at most"
    }

    private static func processorSeconds(_ pid: Int32) throws -> Double {
        let fields = try read("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            throw LoadError("the processor time of process \(pid) is unknown")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func read(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
}
