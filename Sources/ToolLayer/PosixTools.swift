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
            environment.append("\(name)=\(value)")
            if name == "PATH" { folders = value.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") } }
        }
        self.environment = environment
        self.folders = folders + Self.systemFolders.filter { !folders.contains($0) }
    }

    package func find(_ tool: String) -> String? {
        guard !tool.isEmpty, !tool.contains("/") else { return nil }
        return folders.lazy.map { "\($0)/\(tool)" }.first { access($0, X_OK) == 0 }
    }

    @discardableResult
    package func run(_ call: ToolCall) throws(ToolError) -> [UInt8] {
        guard let path = find(call.tool) else { throw ToolError(.missing, call, words: "") }
        let deadline = ContinuousClock.now + call.limit
        let running = try RunningTool(call, path: path, environment: environment)
        let ending = running.follow(until: deadline)
        let words = running.words
        switch ending {
        case .exited(0): return running.output
        case .exited(let status): throw ToolError(.exit(status), call, words: words)
        case .killed(let signal): throw ToolError(.signal(signal), call, words: words)
        case .timedOut: throw ToolError(.timedOut, call, words: words)
        case .tooMuchOutput: throw ToolError(.tooMuchOutput, call, words: words)
        }
    }
}
