// SPDX-License-Identifier: Apache-2.0

/// The one door to programs outside of Drover, so that each of them has a time limit, a bounded output, an environment
/// that is known, and an error that keeps its words.
package protocol ToolAccess: Sendable {
    /// Runs a program to its end. Blocks; must not be called from an event loop.
    /// - Returns: what it printed on standard output.
    /// - Throws: ``ToolError`` unless it ended with status 0.
    @discardableResult
    func run(_ call: ToolCall) throws(ToolError) -> [UInt8]

    /// The path of a program, or `nil` when this host does not have it.
    func find(_ tool: String) -> String?
}
