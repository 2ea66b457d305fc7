// SPDX-License-Identifier: Apache-2.0

/// What happened in a run, one line per event; docs/TESTING.md explains the columns.
package struct Trace: Sendable {
    /// The lines, oldest first.
    package private(set) var lines: [String] = []
    /// How many lines were dropped because the trace was full.
    package private(set) var droppedLines = 0
    private let limit: Int

    /// - Parameter limit: the most lines that are kept; later ones are counted only. 0 records nothing.
    package init(limit: Int) { self.limit = limit }

    var isRecording: Bool { limit > 0 }

    mutating func record(_ time: Int64, _ host: Int, _ connection: UInt64?, _ peer: Int?, _ what: String) {
        guard lines.count < limit else {
            droppedLines += 1
            return
        }
        let micros = time / 1000
        let fraction = String(micros % 1_000_000)
        let seconds = String(micros / 1_000_000)
        let place = connection.map { "#\($0)\(peer.map { ">h\($0)" } ?? "")" } ?? "-"
        let clock = Self.padLeft(seconds, 4) + "." + String(repeating: "0", count: 6 - fraction.count) + fraction
        lines.append("\(clock) \(Self.pad("h\(host)", 4)) \(Self.pad(place, 9)) \(what)")
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func padLeft(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
