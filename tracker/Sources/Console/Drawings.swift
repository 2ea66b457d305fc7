// SPDX-License-Identifier: Apache-2.0

import Amounts

/// Drawings in SVG, each with its content in words besides.
enum Drawing {
    /// The order in which hosts go through a rollout.
    private static let order = [
        "healthy", "already", "soaking", "probing", "activating", "staged", "verifying", "staging", "pending",
        "deferred-offline", "blocked", "skipped", "rolling-back", "rolled-back", "timed-out", "failed", "left",
    ]

    /// Hosts by state: a bar, and a legend with the counts.
    static func hosts(_ counts: [String: Int]) -> HTML {
        let known = order.filter { (counts[$0] ?? 0) > 0 } + counts.keys.filter { !order.contains($0) }.sorted()
        let total = counts.values.reduce(0, +)
        guard total > 0 else { return "<p class=\"empty\">No host is part of it.</p>" }
        var place = 0.0
        var parts: [HTML] = []
        for state in known {
            let width = Double(counts[state] ?? 0) / Double(total) * 1000
            let level = Level(host: state).name
            parts.append(
                "<rect class=\"\(level)\" x=\"\(place)\" width=\"\(max(1, width - 2))\" height=\"16\" rx=\"2\"/>")
            place += width
        }
        let legend: [HTML] = known.map { state in
            "<li>\(HTML.tag(Level(host: state), state)) <b>\(counts[state] ?? 0)</b></li>"
        }
        return """
            <svg class="bar" viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true">\(parts)</svg>
            <ul class="legend">\(legend)</ul>
            """
    }

    /// How much of each part of an image is there.
    /// - Parameter map: hexadecimal digits, `f` for all of a part.
    static func pieces(_ map: String, done: String) -> HTML {
        let cells = map.compactMap(\.hexDigitValue)
        guard !cells.isEmpty else { return .nothing }
        let columns = 32
        let rows = (cells.count + columns - 1) / columns
        let parts: [HTML] = cells.enumerated().map { number, value in
            let (x, y) = (number % columns * 10, number / columns * 10)
            return "<rect class=\"p\(value)\" x=\"\(x)\" y=\"\(y)\" width=\"9\" height=\"9\" rx=\"1\"/>"
        }
        return """
            <svg class="pieces" viewBox="0 0 \(columns * 10) \(rows * 10)" role="img" aria-label="Pieces: \(done) are here">\(parts)</svg>
            """
    }

    /// Rates over time, the newest at the right.
    static func rates(_ samples: [(seconds: Double, down: UInt64, up: UInt64)]) -> HTML {
        guard let first = samples.first, let last = samples.last, last.seconds > first.seconds else {
            return "<p class=\"empty\">Nothing was measured yet.</p>"
        }
        let most = Double(max(1, samples.map { max($0.down, $0.up) }.max() ?? 1))
        func line(_ value: (UInt64, UInt64) -> UInt64) -> String {
            samples.map { sample in
                let x = (sample.seconds - first.seconds) / (last.seconds - first.seconds) * 600
                let y = 96 - Double(value(sample.down, sample.up)) / most * 92
                return "\(Int(x.rounded())),\(Int(y.rounded()))"
            }.joined(separator: " ")
        }
        let span = SpanText(seconds: last.seconds - first.seconds).description
        let words =
            "Over \(span): down \(ByteText(Int64(clamping: last.down)))/s now, up \(ByteText(Int64(clamping: last.up)))/s now, most \(ByteText(most))/s"
        return """
            <svg class="rates" viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-label="\(words)">
            <line class="axis" x1="0" y1="96" x2="600" y2="96"/>
            <polyline class="up" points="\(line { $1 })"/><polyline class="down" points="\(line { down, _ in down })"/>
            </svg>
            <p class="hint"><span class="key down">━</span> down <span class="key up">┅</span> up · \(words)</p>
            """
    }
}
