// SPDX-License-Identifier: Apache-2.0

import Simulator

/// A picture of a simulated rollout: how many of the hosts had the image, and how much of it all of them had between them,
/// over time; and the least time that the rates allow.
struct CompletionChart {
    private let outcome: Outcome
    private let end: Double

    private static let (width, height) = (860.0, 420.0)
    private static let (left, right, top, bottom) = (56.0, 836.0, 48.0, 372.0)

    init(_ outcome: Outcome) {
        self.outcome = outcome
        let last = outcome.course.moments.last?.time ?? .zero
        end = max(last, outcome.bound, .milliseconds(1)) / .seconds(1)
    }

    var svg: String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.text(Self.width)) \(Self.text(Self.height))" \
        font-family="sans-serif" font-size="13" role="img" aria-label="\(title)">
        <rect width="100%" height="100%" fill="#ffffff"/>
        <text x="\(Self.text(Self.left))" y="26" font-size="16" fill="#1a1a1a">\(title)</text>
        \(grid.joined(separator: "\n"))
        \(bound)
        \(curve(of: { Double($0.pieces) / Double(max(1, outcome.pieces)) }, colour: "#7a9cc6"))
        \(curve(of: { Double($0.completed) / Double(max(1, outcome.fetchingHosts)) }, colour: "#c2410c"))
        \(legend("#7a9cc6", "pieces that all hosts have, of all", at: 0))
        \(legend("#c2410c", "hosts that have the image", at: 1))
        </svg>

        """
    }

    private var title: String {
        let completed = outcome.course.moments.last?.completed ?? 0
        let time = SimulationReport.words(outcome.makespan)
        return completed == outcome.fetchingHosts
            ? "Simulated: \(completed) hosts, the last one after \(time)"
            : "Simulated: \(completed) of \(outcome.fetchingHosts) hosts, the last of them after \(time)"
    }

    private var grid: [String] {
        let shares = [0.0, 0.25, 0.5, 0.75, 1].map { share in
            let y = Self.text(Self.y(share))
            return """
                <line x1="\(Self.text(Self.left))" x2="\(Self.text(Self.right))" y1="\(y)" y2="\(y)" stroke="#d4d4d4"/>\
                <text x="\(Self.text(Self.left - 8))" y="\(Self.text(Self.y(share) + 4))" text-anchor="end" \
                fill="#404040">\(Int(share * 100)) %</text>
                """
        }
        let times = (0...4).map { number in
            let time = end * Double(number) / 4
            return """
                <text x="\(Self.text(x(time)))" y="\(Self.text(Self.bottom + 22))" text-anchor="middle" \
                fill="#404040">\(SimulationReport.words(.seconds(time)))</text>
                """
        }
        return shares + times
    }

    private var bound: String {
        let x = Self.text(x(outcome.bound / .seconds(1)))
        return """
            <line x1="\(x)" x2="\(x)" y1="\(Self.text(Self.top))" y2="\(Self.text(Self.bottom))" stroke="#404040" \
            stroke-dasharray="4 4"/><text x="\(x)" y="\(Self.text(Self.bottom + 40))" text-anchor="middle" \
            fill="#404040">the least the rates allow: \(SimulationReport.words(outcome.bound))</text>
            """
    }

    private func curve(of share: (Course.Moment) -> Double, colour: String) -> String {
        let points = outcome.course.moments.map { moment in
            "\(Self.text(x(moment.time / .seconds(1)))),\(Self.text(Self.y(share(moment))))"
        }
        return """
            <polyline fill="none" stroke="\(colour)" stroke-width="2.5" points="\(points.joined(separator: " "))"/>
            """
    }

    private func legend(_ colour: String, _ words: String, at row: Int) -> String {
        let y = Self.top + 18 + Double(row) * 20
        return """
            <line x1="\(Self.text(Self.left + 12))" x2="\(Self.text(Self.left + 36))" y1="\(Self.text(y))" \
            y2="\(Self.text(y))" stroke="\(colour)" stroke-width="2.5"/>\
            <text x="\(Self.text(Self.left + 44))" y="\(Self.text(y + 4))" fill="#1a1a1a">\(words)</text>
            """
    }

    private func x(_ time: Double) -> Double { Self.left + (Self.right - Self.left) * time / end }

    private static func y(_ share: Double) -> Double { bottom - (bottom - top) * min(max(share, 0), 1) }

    /// With one digit after the point, as a picture's coordinates need it.
    private static func text(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
