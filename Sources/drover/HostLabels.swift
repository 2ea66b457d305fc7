// SPDX-License-Identifier: Apache-2.0

import PeerService

/// Labels of this host as the command line has them: `role=web`.
enum HostLabels {
    /// - Throws: ``HostFailure`` with `.usage`.
    static func read(_ texts: [String], rack: String?) throws(HostFailure) -> [String: String] {
        var labels: [String: String] = [:]
        if let rack { labels["rack"] = rack }
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let key = parts.first, let value = parts.last, isWord(key), isWord(value) else {
                throw HostFailure(
                    .usage,
                    "--label \(text) is not KEY=VALUE, such as role=web: letters, digits, -, _ and ., at most 63 of each"
                )
            }
            guard labels[String(key)] ?? String(value) == value else {
                throw HostFailure(.usage, "the label \(key) is given twice, with different values")
            }
            labels[String(key)] = String(value)
        }
        guard labels.count <= 64 else { throw HostFailure(.usage, "a host has at most 64 labels") }
        return labels
    }

    private static func isWord(_ text: Substring) -> Bool {
        (1...63).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
