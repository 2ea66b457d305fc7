// SPDX-License-Identifier: Apache-2.0

/// What a probe waits for: the sign that a clone's guest has come up.
package enum ProbeGoal: Hashable, Sendable {
    /// A text on the guest's serial console, `ttyS0`. The machine has no network.
    case marker(String)
    /// A TCP port on which the guest answers. The machine's network reaches nobody, and only this port of it is reached.
    case port(UInt16)
    /// The host's own program, with its arguments, does everything: it gets the clone's path in its environment, and its exit
    /// status is the verdict.
    case command([String])

    /// Bytes of the longest marker; more is no sign but an essay.
    package static let longestMarker = 1024

    /// Why this cannot be waited for, as one sentence that says what to do; `nil` when it can.
    package var fault: String? {
        switch self {
        case .marker(let text):
            if text.isEmpty { return "the marker is empty; give the text that the guest prints when it is up" }
            if text.utf8.count > Self.longestMarker {
                return "the marker is longer than \(Self.longestMarker) bytes; a few words do"
            }
            if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
                return "the marker has a control character in it; give text of one line"
            }
            return nil
        case .port(let port): return port > 0 ? nil : "there is no port 0; give one from 1 to 65535"
        case .command(let words):
            guard let program = words.first, program.hasPrefix("/") else {
                return "the command has to begin with the absolute path of a program; no shell looks for it"
            }
            return words.contains { $0.utf8.contains(0) } ? "a word of the command has a zero byte in it" : nil
        }
    }

    /// The end of "it ended before …".
    var sign: String {
        switch self {
        case .marker(let text): "it printed '\(text)' on its serial console"
        case .port(let port): "it answered on port \(port)"
        case .command(let words): "\(words.first ?? "its command") was done"
        }
    }
}
