// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Standard output for data, standard error for everything else.
enum Terminal {
    /// Whether progress may be redrawn in place.
    static let isInteractive = isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
    /// Whether standard output is a person's screen.
    static let showsData = isatty(STDOUT_FILENO) == 1

    /// The length of the line that is being redrawn.
    private static let drawn = Mutex(0)

    /// Prints a line of the result.
    static func data(_ line: String) {
        erase()
        write(line + "\n", to: STDOUT_FILENO)
    }

    /// Prints a line for people.
    static func note(_ line: String) {
        erase()
        write(line + "\n", to: STDERR_FILENO)
    }

    /// Replaces the line that is being redrawn.
    static func draw(_ line: String) {
        drawn.withLock { length in
            let rest = String(repeating: " ", count: max(0, length - line.count))
            write("\r" + line + rest, to: STDERR_FILENO)
            length = line.count
        }
    }

    /// Takes the redrawn line away.
    static func erase() {
        drawn.withLock { length in
            if length > 0 { write("\r" + String(repeating: " ", count: length) + "\r", to: STDERR_FILENO) }
            length = 0
        }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
