// SPDX-License-Identifier: Apache-2.0

import Glibc

/// This host's programs, started without a shell and with an environment of their own.
package struct PosixTools: ToolAccess {
    private static let systemFolders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    /// What of the caller's environment a program gets to see: where LVM's configuration is, and whether to wait for
    /// udev, which containers and small systems lack.
    private static let passedOn = ["PATH", "DM_DISABLE_UDEV", "LVM_SYSTEM_DIR"]

    private let environment: [String]
    private let folders: [String]

    package init() {
        var environment = ["LC_ALL=C", "LVM_SUPPRESS_FD_WARNINGS=1"]
        var folders: [String] = []
        for name in Self.passedOn {
            guard let value = getenv(name).map({ String(cString: $0) }) else { continue }
            if name == "PATH" {
                folders = value.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
            } else {
                environment.append("\(name)=\(value)")
            }
        }
        folders += Self.systemFolders.filter { !folders.contains($0) }
        self.environment = environment + ["PATH=\(folders.joined(separator: ":"))"]
        self.folders = folders
    }

    package func find(_ tool: String) -> String? {
        if tool.hasPrefix("/") { return access(tool, X_OK) == 0 ? tool : nil }
        guard !tool.isEmpty, !tool.contains("/") else { return nil }
        return folders.lazy.map { "\($0)/\(tool)" }.first { access($0, X_OK) == 0 }
    }

    @discardableResult
    package func run(
        _ call: ToolCall, isStopped: () -> Bool, receive: ((ArraySlice<UInt8>) -> Void)?
    ) throws(ToolError) -> ToolOutput {
        guard let tool = find(call.tool) else { throw ToolError(.missing, call, words: "") }
        // What starts it within its bounds must not look for it again, in other folders.
        let command = try fence(call) + [call.bounds == nil ? call.tool : tool] + call.arguments
        guard let program = command.first, let path = find(program) else {
            throw ToolError(.missing, ToolCall(command.first ?? call.tool, []), words: "")
        }
        let deadline = ContinuousClock.now + call.limit
        let variables = environment + call.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let running = try RunningTool(call, path: path, command: command, environment: variables)
        let ending = running.follow(until: deadline, isStopped: isStopped, receive: receive)
        let words = running.words
        switch ending {
        case .exited(0): return ToolOutput(bytes: running.output, words: words)
        case .exited(let status): throw ToolError(.exit(status), call, words: words)
        case .killed(let signal): throw ToolError(.signal(signal), call, words: words)
        case .timedOut: throw ToolError(.timedOut, call, words: words)
        case .stopped: throw ToolError(.stopped, call, words: words)
        case .tooMuchOutput: throw ToolError(.tooMuchOutput, call, words: words)
        }
    }

    /// The programs that start a program within its bounds.
    private func fence(_ call: ToolCall) throws(ToolError) -> [String] {
        guard let bounds = call.bounds else { return [] }
        var words: [String] = []
        if bounds.hasNoNetwork {
            // Root makes such a network, other users where they may have namespaces of users.
            let flags = geteuid() == 0 ? ["--net"] : ["--user", "--map-current-user", "--net"]
            // What this process may do is found by trying.
            if (try? run(ToolCall("unshare", flags + ["--", "true"]))) != nil { words = ["unshare"] + flags + ["--"] }
        }
        return words + [
            "prlimit", "--as=\(bounds.addressSpace)", "--cpu=\(bounds.processorSeconds)", "--core=0", "--",
        ]
    }
}
