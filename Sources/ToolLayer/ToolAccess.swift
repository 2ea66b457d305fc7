// SPDX-License-Identifier: Apache-2.0

/// The one door to programs outside of Drover, so that each of them has a time limit, a bounded output, an environment
/// that is known, and an error that keeps its words.
package protocol ToolAccess: Sendable {
    /// Runs a program to its end. Blocks; must not be called from an event loop.
    /// - Parameters:
    ///   - isStopped: asked several times a second; the program is killed when it says so.
    ///   - receive: gets standard output as it comes, which then is not kept; `nil` to keep it.
    /// - Returns: what it printed.
    /// - Throws: ``ToolError`` unless it ended with status 0.
    @discardableResult
    func run(
        _ call: ToolCall, isStopped: () -> Bool, receive: ((ArraySlice<UInt8>) -> Void)?
    ) throws(ToolError) -> ToolOutput

    /// The path of a program, of which the name or the absolute path is given, or `nil` when this host does not have it.
    func find(_ tool: String) -> String?
}

extension ToolAccess {
    /// Runs a program to its end and keeps what it prints.
    @discardableResult
    package func run(_ call: ToolCall) throws(ToolError) -> ToolOutput {
        try run(call, isStopped: { false }, receive: nil)
    }
}
