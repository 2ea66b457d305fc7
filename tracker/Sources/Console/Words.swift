// SPDX-License-Identifier: Apache-2.0

import Amounts

/// How good or bad something is: a sign and a word go with every colour.
package enum Level: Int, Comparable, Sendable {
    case good, busy, ready, idle, attention, bad

    package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

    var name: String {
        switch self {
        case .good: "good"
        case .busy: "busy"
        case .ready: "ready"
        case .idle: "idle"
        case .attention: "attention"
        case .bad: "bad"
        }
    }

    var sign: String {
        switch self {
        case .good: "✓"
        case .busy: "▸"
        case .ready: "◆"
        case .idle: "–"
        case .attention: "!"
        case .bad: "✕"
        }
    }

    /// What a host's state in a rollout comes to.
    init(host state: String) {
        switch state {
        case "healthy", "already": self = .good
        case "staged": self = .ready
        case "staging", "verifying", "activating", "probing", "soaking", "rolling-back": self = .busy
        case "failed", "timed-out": self = .bad
        case "blocked", "deferred-offline", "rolled-back": self = .attention
        default: self = .idle
        }
    }

    /// What a rollout's phase comes to.
    init(phase: String, isPaused: Bool) {
        if isPaused {
            self = .attention
            return
        }
        switch phase {
        case "succeeded": self = .good
        case "succeeded-with-exceptions", "rolled-back": self = .attention
        case "rejected", "aborted", "superseded": self = .idle
        default: self = .busy
        }
    }
}

extension HTML {
    /// A word with its sign.
    static func tag(_ level: Level, _ word: String) -> HTML {
        "<span class=\"tag \(level.name)\"><i aria-hidden=\"true\">\(level.sign)</i> \(word)</span>"
    }

    static func bytes(_ count: some BinaryInteger) -> HTML { "\(ByteText(Int64(clamping: count)).description)" }
    static func rate(_ count: some BinaryInteger) -> HTML { "\(bytes(count))/s" }

    /// A moment, which a script turns into the reader's own time.
    static func time(_ text: String) -> HTML { "<time datetime=\"\(text)\">\(text)</time>" }

    static func host(_ name: String) -> HTML { "<a href=\"/hosts/\(name.inPath)\">\(name)</a>" }
    static func rollout(_ number: UInt64) -> HTML { "<a href=\"/rollouts/\(number)\">\(number)</a>" }

    /// A table that scrolls by itself where the screen is narrow.
    /// - Parameters:
    ///   - caption: for those who do not see where it stands.
    ///   - columns: headings; those of numbers begin with `#`.
    static func table(_ caption: String, _ columns: [String], _ rows: [HTML], empty: String) -> HTML {
        guard !rows.isEmpty else { return "<p class=\"empty\">\(empty)</p>" }
        let heads: [HTML] = columns.map { column in
            column.hasPrefix("#")
                ? "<th scope=\"col\" class=\"n\">\(column.dropFirst())</th>" : "<th scope=\"col\">\(column)</th>"
        }
        return """
            <div class="scroll" tabindex="0" role="region" aria-label="\(caption)"><table>
            <caption>\(caption)</caption>
            <thead><tr>\(heads)</tr></thead>
            <tbody>\(rows)</tbody>
            </table></div>
            """
    }

    /// A part of a page that stays where it is while its content is brought up to date.
    static func section(_ id: String, _ title: String, _ content: HTML) -> HTML {
        "<section id=\"\(id)\" aria-labelledby=\"\(id)-title\"><h2 id=\"\(id)-title\">\(title)</h2>\n\(content)\n</section>\n"
    }
}

extension String {
    /// A part of a whole, 0 to 1; rounded down, so that 100 % means all of it.
    static func percent(_ part: Double) -> String {
        "\(Int(Swift.min(1, Swift.max(0, part.isFinite ? part : 0)) * 100)) %"
    }

    /// One word, or its plural for any other number.
    static func count(_ number: Int, _ word: String, _ plural: String? = nil) -> String {
        "\(number) \(number == 1 ? word : plural ?? word + "s")"
    }
}
