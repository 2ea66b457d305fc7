// SPDX-License-Identifier: Apache-2.0

/// One panel of the chart: a row for each subject, in it a mark at the median and a line from the least to the greatest
/// value. Colours and fonts come from the page's style sheet.
struct ChartPanel {
    struct Mark {
        let spread: Spread
        /// Hollow marks are the second of two cases in one panel.
        let isHollow: Bool
        /// What the mark means in words, also shown when the pointer rests on it.
        let label: String
    }

    struct Row {
        let title: String
        let isClone: Bool
        let marks: [Mark]
        /// Said in place of marks.
        let note: String?
    }

    let title: String
    /// What the axis counts.
    let axis: String
    let rows: [Row]
    let isLogarithmic: Bool
    /// How ticks are written.
    let tick: (Double) -> String

    private static let width = 860.0
    private static let plotLeft = 160.0
    private static let plotRight = 560.0
    private static let top = 14.0
    private static let lineHeight = 20.0
    private static let rowGap = 10.0

    var svg: String {
        let spreads = rows.flatMap(\.marks).map(\.spread)
        let largest = spreads.map(\.max).max() ?? 1
        let smallest = spreads.map(\.min).filter { $0 > 0 }.min() ?? largest
        let scale =
            isLogarithmic ? ChartScale(decadesAround: smallest, largest) : ChartScale(linearTo: largest)
        var parts: [String] = []
        var y = Self.top
        for row in rows {
            let height = Self.lineHeight * Double(max(1, row.marks.count))
            parts += draw(row, from: y, height: height, on: scale)
            y += height + Self.rowGap
        }
        let bottom = y
        let height = bottom + 44
        return """
            <figure>
            <figcaption>\(HTML.escape(title))</figcaption>
            <svg viewBox="0 0 \(Self.text(Self.width)) \(Self.text(height))" role="img" \
            aria-label="\(HTML.escape("\(title), \(axis)"))">
            \(grid(scale, to: bottom).joined(separator: "\n"))
            \(parts.joined(separator: "\n"))
            <text class="axis" x="\(Self.text((Self.plotLeft + Self.plotRight) / 2))" \
            y="\(Self.text(bottom + 36))" text-anchor="middle">\(HTML.escape(axis))</text>
            </svg>
            </figure>
            """
    }

    private func grid(_ scale: ChartScale, to bottom: Double) -> [String] {
        scale.ticks.map { value in
            let x = Self.text(Self.x(value, scale))
            return """
                <line class="grid" x1="\(x)" x2="\(x)" y1="4" y2="\(Self.text(bottom))"/>\
                <text class="tick" x="\(x)" y="\(Self.text(bottom + 16))" text-anchor="middle">\
                \(HTML.escape(tick(value)))</text>
                """
        }
    }

    private func draw(_ row: Row, from top: Double, height: Double, on scale: ChartScale) -> [String] {
        let middle = Self.text(top + height / 2 + 4)
        var parts = [
            """
            <text class="\(row.isClone ? "clone" : "reference")" x="\(Self.text(Self.plotLeft - 14))" y="\(middle)" \
            text-anchor="end">\(HTML.escape(row.title))</text>
            """
        ]
        if let note = row.note {
            parts.append(
                "<text class=\"note\" x=\"\(Self.text(Self.plotLeft + 8))\" y=\"\(middle)\">\(HTML.escape(note))</text>"
            )
        }
        for (index, mark) in row.marks.enumerated() {
            let y = top + Self.lineHeight * (Double(index) + 0.5)
            let line = Self.text(y)
            let (from, to) = (Self.text(Self.x(mark.spread.min, scale)), Self.text(Self.x(mark.spread.max, scale)))
            let caps = [from, to].map { x in
                "<line x1=\"\(x)\" x2=\"\(x)\" y1=\"\(Self.text(y - 4))\" y2=\"\(Self.text(y + 4))\"/>"
            }
            parts.append(
                """
                <g class="mark \(row.isClone ? "clone" : "reference")\(mark.isHollow ? " hollow" : "")">\
                <title>\(HTML.escape("\(row.title): \(mark.label)"))</title>\
                <line x1="\(from)" x2="\(to)" y1="\(line)" y2="\(line)"/>\(caps.joined())\
                <circle cx="\(Self.text(Self.x(mark.spread.median, scale)))" cy="\(line)" r="4.5"/></g>\
                <text class="value" x="\(Self.text(Self.plotRight + 20))" y="\(Self.text(y + 4))">\
                \(HTML.escape(mark.label))</text>
                """)
        }
        return parts
    }

    private static func x(_ value: Double, _ scale: ChartScale) -> Double {
        plotLeft + (plotRight - plotLeft) * scale.place(of: value)
    }

    private static func text(_ value: Double) -> String { FigureText.fixed(value, decimals: 1) }
}

enum HTML {
    /// Text as it may stand in an element or a quoted attribute.
    static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
