// SPDX-License-Identifier: Apache-2.0

import Amounts

/// A host in the picture of the swarm.
package struct SwarmNode: Sendable {
    package let host: String
    package let rack: String
    /// The part of what it fetches that it has, 0 to 1; `nil` when it fetches nothing.
    package let part: Double?
    package let down: UInt64
    package let up: UInt64

    package init(host: String, rack: String, part: Double?, down: UInt64, up: UInt64) {
        self.host = host
        self.rack = rack
        self.part = part
        self.down = down
        self.up = up
    }
}

/// Bytes on their way from one host to another.
package struct SwarmFlow: Sendable {
    package let from: String
    package let to: String
    /// Bytes a second.
    package let rate: UInt64

    package init(from: String, to: String, rate: UInt64) {
        self.from = from
        self.to = to
        self.rate = rate
    }
}

extension ConsolePage {
    /// Hosts that are drawn; beyond, the list alone shows them.
    package static let nodesDrawn = 400
    private static let flowsDrawn = 800
    private static let flowsListed = 50

    /// Who serves whom, racks as groups.
    package static func swarm(_ nodes: [SwarmNode], _ flows: [SwarmFlow]) -> ConsolePage {
        let flows = flows.sorted { ($1.rate, $0.from, $0.to) < ($0.rate, $1.from, $1.to) }
        let rows: [HTML] = flows.prefix(flowsListed).map { flow in
            """
            <tr><td>\(HTML.host(flow.from))</td><td>\(HTML.host(flow.to))</td><td class="n">\(HTML.rate(flow.rate))</td></tr>
            """
        }
        let summary: HTML =
            nodes.isEmpty
            ? "<p class=\"empty\">Nothing goes on: no host fetches or serves anything.</p>"
            : "<p>\(String.count(nodes.count, "host")) in \(String.count(Set(nodes.map(\.rack)).count, "rack")), \(String.count(flows.count, "connection")) that carry something.</p>"
        return ConsolePage(
            "Swarm", at: .swarm, isLive: true,
            """
            <section id="picture" aria-label="Picture">
            \(summary)
            \(picture(Array(nodes.prefix(nodesDrawn)), Array(flows.prefix(flowsDrawn))))
            <p class="hint">A circle is a host, filled as far as it is: <span class="tag good"><i aria-hidden="true">●</i> serves</span>,
            <span class="tag busy"><i aria-hidden="true">●</i> fetches</span>. A line is what one sends another; the wider, the more.</p>
            </section>
            \(HTML.section("flows", "Who serves whom", HTML.table("The busiest connections", ["From", "To", "#Rate"], rows, empty: "Nobody serves anybody at the moment.")))
            """)
    }

    private static func picture(_ nodes: [SwarmNode], _ flows: [SwarmFlow]) -> HTML {
        guard !nodes.isEmpty else { return .nothing }
        let racks = Dictionary(grouping: nodes, by: \.rack).sorted { $0.key < $1.key }
        // Racks stand in rows, each as wide as the largest needs to be.
        let largest = racks.map(\.value.count).max() ?? 1
        let perRow = max(1, Int(Double(largest).squareRoot().rounded(.up)))
        let (cell, margin, title) = (46.0, 14.0, 20.0)
        let width = Double(perRow) * cell + 2 * margin
        let height = (Double(largest) / Double(perRow)).rounded(.up) * cell + 2 * margin + title
        let racksPerRow = max(1, min(racks.count, Int((1100 / (width + margin)).rounded(.down))))
        var places: [String: (x: Double, y: Double)] = [:]
        var boxes: [HTML] = []
        var circles: [HTML] = []
        for (number, rack) in racks.enumerated() {
            let left = Double(number % racksPerRow) * (width + margin)
            let top = Double(number / racksPerRow) * (height + margin)
            boxes.append(
                "<rect class=\"rack\" x=\"\(left)\" y=\"\(top)\" width=\"\(width)\" height=\"\(height)\" rx=\"8\"/><text x=\"\(left + 10)\" y=\"\(top + 16)\">\(rack.key)</text>"
            )
            for (place, node) in rack.value.sorted(by: { $0.host < $1.host }).enumerated() {
                let x = left + margin + (Double(place % perRow) + 0.5) * cell
                let y = top + margin + title + (Double(place / perRow) + 0.4) * cell
                places[node.host] = (x, y)
                let kind = node.part == nil ? "seed" : "busy"
                let words = node.part.map { String.percent($0) } ?? "serves"
                circles.append(
                    """
                    <a href="/hosts/\(node.host.inPath)"><title>\(node.host): \(words), down \(ByteText(Int64(clamping: node.down)).description)/s, up \(ByteText(Int64(clamping: node.up)).description)/s</title>
                    <circle class="\(kind)" cx="\(x)" cy="\(y)" r="\(5 + 6 * min(1, max(0, node.part ?? 1)))"/></a>
                    """)
            }
        }
        let most = Double(max(1, flows.first?.rate ?? 1))
        let lines: [HTML] = flows.compactMap { flow in
            guard let from = places[flow.from], let to = places[flow.to] else { return nil }
            // Bent a little, so that the two directions do not lie on each other.
            let (middleX, middleY) = ((from.x + to.x) / 2, (from.y + to.y) / 2)
            let (bendX, bendY) = (middleX - (to.y - from.y) * 0.12, middleY + (to.x - from.x) * 0.12)
            let wide = 0.8 + 3.2 * Double(flow.rate) / most
            return
                "<path class=\"flow\" stroke-width=\"\(wide)\" d=\"M\(from.x) \(from.y) Q\(bendX) \(bendY) \(to.x) \(to.y)\"/>"
        }
        let rowCount = Double((racks.count + racksPerRow - 1) / racksPerRow)
        let (allWidth, allHeight) = (Double(racksPerRow) * (width + margin), rowCount * (height + margin) + 8)
        return """
            <svg class="picture" viewBox="-4 -4 \(allWidth) \(allHeight)" width="\(allWidth * 1.5)" height="\(allHeight * 1.5)" role="img" aria-label="Hosts by rack and what they send each other">
            \(boxes)\(lines)\(circles)
            </svg>
            """
    }
}
