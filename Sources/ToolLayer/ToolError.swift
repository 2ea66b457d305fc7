// SPDX-License-Identifier: Apache-2.0

/// A run of a program that came to no good end. Two errors are equal when their causes are: the rest is for people.
package struct ToolError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Cause: Equatable, Sendable {
        /// There is no such program on this host.
        case missing
        /// It could not be started.
        case notStarted
        /// It ended by itself with this status, which is not 0.
        case exit(Int32)
        /// It was ended by this signal.
        case signal(Int32)
        case timedOut
        /// It printed more than the caller allows.
        case tooMuchOutput
    }

    package let cause: Cause
    package let call: ToolCall
    /// What it said on standard error, without the empty lines; at most ``longestWords`` bytes.
    package let words: String

    /// Bytes of standard error that are kept.
    package static let longestWords = 16 << 10

    package init(_ cause: Cause, _ call: ToolCall, words: String) {
        self.cause = cause
        self.call = call
        self.words = words
    }

    /// One clause, such as "dmsetup create web failed: device-mapper: create ioctl failed: Device or resource busy".
    package var description: String {
        let said = words.isEmpty ? "" : ": \(words.split(separator: "\n").joined(separator: "; "))"
        return switch cause {
        case .missing: "this host has no \(call.tool)\(Self.package(of: call.tool))"
        case .notStarted: "\(call.tool) could not be started\(said)"
        case .exit(let status): said.isEmpty ? "\(call) failed with status \(status)" : "\(call) failed\(said)"
        case .signal(let number): "\(call) was ended by signal \(number)\(said)"
        case .timedOut: "\(call) was not done after \(call.limit.components.seconds) s and was stopped\(said)"
        case .tooMuchOutput: "\(call) printed more than \(call.outputLimit) bytes and was stopped"
        }
    }

    package static func == (left: ToolError, right: ToolError) -> Bool { left.cause == right.cause }

    private static func package(of tool: String) -> String {
        packages[tool].map { "; install it (Debian's package \($0))" } ?? "; install it"
    }

    /// Where Debian keeps the programs that are called.
    package static let packages = [
        "dmsetup": "dmsetup", "modprobe": "kmod", "lvs": "lvm2", "vgs": "lvm2", "lvcreate": "lvm2", "lvchange": "lvm2",
        "lvremove": "lvm2", "lvrename": "lvm2", "qemu-img": "qemu-utils", "debugfs": "e2fsprogs",
        "prlimit": "util-linux",
    ]
}
