// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import ToolLayer

/// The door to programs outside, with real ones behind it.
@Suite struct PosixToolsTests {
    private let tools = PosixTools()

    private func cause(_ call: ToolCall) -> ToolError.Cause? {
        do throws(ToolError) { try tools.run(call) } catch { return error.cause }
        return nil
    }

    @Test func `what a program prints comes back, and its arguments are no shell's`() throws {
        let words = ["two  words", "", "*", "$HOME", "a\nline", "'\"", "; exit 3"]
        let output = try tools.run(ToolCall("printf", ["<%s>"] + words))
        #expect(String(decoding: output, as: UTF8.self) == words.map { "<\($0)>" }.joined())
    }

    @Test func `a failure keeps its status and its words`() {
        do throws(ToolError) {
            try tools.run(ToolCall("sh", ["-c", "echo out; echo '  first' >&2; echo >&2; echo second >&2; exit 7"]))
            Issue.record("it succeeded")
        } catch {
            #expect(error.cause == .exit(7))
            #expect(error.words == "first\nsecond")
            #expect(error.description.hasSuffix("failed: first; second"))
        }
    }

    @Test func `a program that is missing is named, with what to install`() {
        #expect(cause(ToolCall("no-such-program", [])) == .missing)
        #expect(cause(ToolCall("../bin/sh", [])) == .missing)
        let error = ToolError(.missing, ToolCall("lvcreate", []), words: "")
        #expect(error.description == "this host has no lvcreate; install it (Debian's package lvm2)")
    }

    @Test func `one that takes too long is stopped with all that it started`() throws {
        let start = ContinuousClock.now
        // The inner one inherits the output, and would keep it open for an hour.
        let call = ToolCall("sh", ["-c", "echo $$; sleep 3600 & wait"], limit: .milliseconds(300))
        #expect(cause(call) == .timedOut)
        #expect(start.duration(to: .now) < .seconds(60))
    }

    @Test func `one that closes its outputs and goes on is stopped too`() {
        let call = ToolCall("sh", ["-c", "exec >&- 2>&-; sleep 3600"], limit: .milliseconds(300))
        #expect(cause(call) == .timedOut)
    }

    @Test func `one that prints without end is stopped`() {
        #expect(cause(ToolCall("yes", [], outputLimit: 100_000)) == .tooMuchOutput)
    }

    @Test func `what it says on standard error is kept in part and read whole`() {
        let call = ToolCall("sh", ["-c", "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1"])
        do throws(ToolError) {
            try tools.run(call)
            Issue.record("it succeeded")
        } catch {
            #expect(error.cause == .exit(1))
            #expect(error.words.utf8.count == ToolError.longestWords)
        }
    }

    @Test func `a signal is told as such`() {
        #expect(cause(ToolCall("sh", ["-c", "kill -TERM $$"])) == .signal(SIGTERM))
    }

    @Test func `its environment is known, its input empty, and no file of ours is open in it`() throws {
        let names = try tools.run(ToolCall("env", [])).split(separator: 0x0a).compactMap {
            String(decoding: $0, as: UTF8.self).split(separator: "=").first.map(String.init)
        }
        #expect(
            Set(names).isSubset(of: ["PATH", "LC_ALL", "LVM_SUPPRESS_FD_WARNINGS", "DM_DISABLE_UDEV", "LVM_SYSTEM_DIR"])
        )
        #expect(names.contains("LC_ALL"))
        #expect(try tools.run(ToolCall("cat", [])).isEmpty)
    }

    @Test func `many at once come to their ends`() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<64 {
                group.addTask {
                    try PosixTools().run(ToolCall("printf", ["%s", "\(number)"])) == Array("\(number)".utf8)
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }
}
