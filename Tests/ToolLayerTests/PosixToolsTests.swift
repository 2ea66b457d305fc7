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
        #expect(output.text == words.map { "<\($0)>" }.joined())
    }

    @Test func `a program gets what is handed to it and none of this process's other files`() throws {
        let files = (0..<4).map { _ in open("/dev/null", O_RDONLY) }
        defer { for file in files { close(file) } }
        // They are high enough for the shell itself to have none of these numbers.
        let high = files.map { fcntl($0, F_DUPFD, 50) }
        defer { for file in high { close(file) } }
        let numbers = high.map(String.init).joined(separator: " ")
        let script = "for n in 3 \(numbers); do if [ -e /proc/$$/fd/$n ]; then echo $n; fi; done"
        #expect(try tools.run(ToolCall("sh", ["-c", script])).text == "")
        #expect(try tools.run(ToolCall("sh", ["-c", script], handed: high[3])).text == "3\n")
        #expect(try tools.run(ToolCall("/bin/sh", ["-c", "echo $MARK"], environment: ["MARK": "x y"])).text == "x y\n")
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
        let names = try tools.run(ToolCall("env", [])).bytes.split(separator: 0x0a).compactMap {
            String(decoding: $0, as: UTF8.self).split(separator: "=").first.map(String.init)
        }
        #expect(
            Set(names).isSubset(of: ["PATH", "LC_ALL", "LVM_SUPPRESS_FD_WARNINGS", "DM_DISABLE_UDEV", "LVM_SYSTEM_DIR"])
        )
        #expect(names.contains("LC_ALL"))
        #expect(try tools.run(ToolCall("cat", [])) == ToolOutput(bytes: []))
    }

    @Test func `words of one that succeeds are kept too`() throws {
        let output = try tools.run(ToolCall("sh", ["-c", "echo result; echo remark >&2"]))
        #expect(output == ToolOutput(bytes: Array("result\n".utf8), words: "remark"))
    }

    @Test func `one whose caller wants it no more is stopped, also when it is silent`() {
        var glances = 0
        do throws(ToolError) {
            try tools.run(
                ToolCall("sleep", ["3600"]),
                isStopped: {
                    glances += 1; return glances > 2
                }, receive: nil)
            Issue.record("it came to its end")
        } catch {
            #expect(error.cause == .stopped)
        }
    }

    @Test func `output is handed on as it comes`() throws {
        var count = 0
        let call = ToolCall("head", ["-c", "3000000", "/dev/zero"], outputLimit: 0)
        #expect(try tools.run(call, isStopped: { false }, receive: { count += $0.count }).bytes.isEmpty)
        #expect(count == 3_000_000)
    }

    @Test func `an open file is its input, and bounds hold it back`() throws {
        let descriptor = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let bounds = ToolBounds(addressSpace: 256 << 20, processorSeconds: 3, hasNoNetwork: true)
        #expect(try tools.run(ToolCall("head", ["-n1"], input: descriptor, bounds: bounds)).text.hasPrefix("root:"))
        let limits = try tools.run(ToolCall("cat", ["/proc/self/limits"], bounds: bounds)).text
        #expect(limits.contains("Max address space         \(256 << 20)"))
        #expect(limits.contains("Max cpu time              3 "))
        #expect(
            cause(
                ToolCall(
                    "sh", ["-c", "while :; do :; done"],
                    bounds: ToolBounds(addressSpace: 256 << 20, processorSeconds: 1, hasNoNetwork: false)))
                == .signal(SIGKILL))
        // A network of its own has nothing but a loopback device that is not up.
        guard geteuid() == 0 else { return }
        #expect(
            try tools.run(
                ToolCall("sh", ["-c", "ls /sys/class/net >/dev/null; cat /proc/net/dev | wc -l"], bounds: bounds)
            ).text == "3\n")
    }

    @Test func `many at once come to their ends`() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<64 {
                group.addTask {
                    try PosixTools().run(ToolCall("printf", ["%s", "\(number)"])).text == "\(number)"
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }
}
