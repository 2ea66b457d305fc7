// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Standard output for data, standard error for everything else.
enum Terminal {
    /// Whether progress may be redrawn in place.
    static let isInteractive = isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
    /// Whether standard output is a person's screen.
    static let showsData = isatty(STDOUT_FILENO) == 1

    private static let showsNotes = isatty(STDERR_FILENO) == 1

    /// The length of the line that is being redrawn.
    private static let drawn = Mutex(0)

    /// Prints a line of the result.
    static func data(_ line: String) {
        erase()
        write((showsData ? printable(line) : line) + "\n", to: STDOUT_FILENO)
    }

    /// Makes room on a person's screen for what is shown again and again.
    static func clear() {
        if showsData { write("\u{1b}[H\u{1b}[2J", to: STDOUT_FILENO) }
    }

    /// Prints a line for people.
    static func note(_ line: String) {
        erase()
        write((showsNotes ? printable(line) : line) + "\n", to: STDERR_FILENO)
    }

    /// Replaces the line that is being redrawn.
    static func draw(_ line: String) {
        let line = printable(line)
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

    /// Hosts, trackers and guests chose many of the words; none of them may steer a terminal or hide anything on it.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isLayout = scalar == "\n" || scalar == "\t"
                    let steers = scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
                    return steers && !isLayout ? "?" : scalar
                }))
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
