// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Synchronization
import TestSupport

/// A real process in a process group of its own. What it prints goes into files, so that nothing it says is lost and
/// nobody has to read along.
final class ChildProcess: Sendable {
    /// A process that ran to its end.
    struct Finished: CustomStringConvertible, Sendable {
        let command: String
        /// The exit code; 128 and the signal's number for a process that a signal ended.
        let status: Int32
        let output: String
        let errors: String

        var lines: [String] { output.split(separator: "\n").map(String.init) }
        var description: String { "`\(command)` exited \(status)\nstdout: \(output)\nstderr: \(errors)" }
    }

    let command: String
    let identifier: pid_t
    private let outputPath: String
    private let errorPath: String
    private let status = Mutex<Int32?>(nil)
    /// Keeps the folder of the two files.
    private let folder: TemporaryDirectory

    /// Starts a program with closed input.
    /// - Parameters:
    ///   - program: its path.
    ///   - environment: beside what this process has.
    init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        command = ([program.split(separator: "/").last.map(String.init) ?? program] + arguments).joined(separator: " ")
        folder = try TemporaryDirectory()
        outputPath = "\(folder.path)/stdout"
        errorPath = "\(folder.path)/stderr"

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        // With a socket of another test it would keep that open which the test sees closed.
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in descriptors.compactMap({ Int32($0) }) where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        // The test's own signal settings are no business of the child.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        var variables = Self.environment
        variables["PATH"] = (variables["PATH"].map { $0 + ":" } ?? "") + "/usr/sbin:/usr/bin:/sbin:/bin"
        variables["LC_ALL"] = "C"
        variables.merge(environment) { $1 }
        var child = pid_t()
        let code = Self.withPointers([program] + arguments) { argv in
            Self.withPointers(variables.map { "\($0)=\($1)" }) { envp in
                posix_spawnp(&child, program, &actions, &attributes, argv, envp)
            }
        }
        guard code == 0 else { throw TestFailure("\(command) cannot be started: \(String(cString: strerror(code)))") }
        identifier = child
    }

    var output: String { Self.text(outputPath) }
    var errors: String { Self.text(errorPath) }

    /// The exit code once it ended, as in ``Finished/status``.
    var exitStatus: Int32? {
        status.withLock { status in
            if let status { return status }
            var word: Int32 = 0
            guard waitpid(identifier, &word, WNOHANG) == identifier else { return nil }
            let signal = word & 0x7f
            status = signal == 0 ? (word >> 8) & 0xff : 128 + signal
            return status
        }
    }

    /// Waits for the end.
    /// - Throws: when it takes longer than `limit`; the process is killed then.
    @discardableResult
    func finished(within limit: Duration = .seconds(60)) async throws -> Finished {
        do {
            let status = try await eventually("\(command) ends", within: limit, every: .milliseconds(5)) { exitStatus }
            return Finished(command: command, status: status, output: output, errors: errors)
        } catch {
            kill()
            throw TestFailure("\(error)\nstdout: \(output)\nstderr: \(errors)")
        }
    }

    /// Sends a signal to the process alone.
    func signal(_ number: Int32) {
        if exitStatus == nil { Glibc.kill(identifier, number) }
    }

    /// Ends the whole group at once, whatever it is doing.
    func kill() {
        Glibc.kill(-identifier, SIGKILL)
        while exitStatus == nil { usleep(1000) }
    }

    /// Runs a program to its end.
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        within limit: Duration = .seconds(60)
    ) async throws -> Finished {
        try await ChildProcess(program, arguments, environment: environment).finished(within: limit)
    }

    private static var environment: [String: String] {
        var result: [String: String] = [:]
        var pointer = environ
        while let entry = pointer.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, parts[0] != "DROVER_STORE" { result[String(parts[0])] = String(parts[1]) }
            pointer += 1
        }
        return result
    }

    private static func text(_ path: String) -> String {
        guard let bytes = try? readFile(path) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func withPointers<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}

/// Runs a tool that must succeed, such as qemu-img; words are separated by blanks.
@discardableResult
func tool(_ words: String, within limit: Duration = .seconds(60)) async throws -> String {
    let words = words.split(separator: " ").map(String.init)
    return try await tool(words[0], Array(words.dropFirst()), within: limit)
}

@discardableResult
func tool(_ name: String, _ arguments: [String], within limit: Duration = .seconds(60)) async throws -> String {
    let finished = try await ChildProcess.run(name, arguments, within: limit)
    guard finished.status == 0 else { throw TestFailure("\(finished)") }
    return finished.output
}
