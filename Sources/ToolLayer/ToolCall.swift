// SPDX-License-Identifier: Apache-2.0

/// One run of a program: which, with what, and for how long at most.
package struct ToolCall: Equatable, Sendable, CustomStringConvertible {
    /// A program's bare name, such as `dmsetup`. It is looked up in PATH and then in the system's folders, because the
    /// PATH of a service often lacks `/usr/sbin`.
    package var tool: String
    /// Handed over as they are: no shell reads them.
    package var arguments: [String]
    /// After this the program and what it started are killed.
    package var limit: Duration
    /// Bytes of standard output, 0 or more; a program that prints more is killed.
    package var outputLimit: Int

    package init(
        _ tool: String, _ arguments: [String], limit: Duration = .seconds(60), outputLimit: Int = 16 << 20
    ) {
        self.tool = tool
        self.arguments = arguments
        self.limit = limit
        self.outputLimit = outputLimit
    }

    package var description: String { ([tool] + arguments).joined(separator: " ") }
}
