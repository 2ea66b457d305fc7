// SPDX-License-Identifier: Apache-2.0

import Console
import FleetProtocol
import FleetService

/// Makes a picture of what hosts said of each other: they name addresses, and the tracker knows whose they are.
enum SwarmPicture {
    static func of(_ glances: [HostGlance]) -> ([SwarmNode], [SwarmFlow]) {
        var names: [String: String] = [:]
        for glance in glances {
            guard let origin = glance.origin, let port = glance.activity.port else { continue }
            names[origin.contains(":") ? "[\(origin)]:\(port)" : "\(origin):\(port)"] = glance.host
        }
        var rates: [String: SwarmFlow] = [:]
        func add(from: String?, to: String?, _ rate: UInt64) {
            guard let from, let to, from != to, rate > 0 else { return }
            // Both ends tell of it; what the receiver saw arrive counts.
            let key = "\(from) \(to)"
            if (rates[key]?.rate ?? 0) < rate { rates[key] = SwarmFlow(from: from, to: to, rate: rate) }
        }
        for glance in glances {
            for neighbour in glance.activity.neighbours {
                add(from: names[neighbour.address], to: glance.host, neighbour.down)
                add(from: glance.host, to: names[neighbour.address], neighbour.up)
            }
        }
        let named = Set(rates.values.flatMap { [$0.from, $0.to] })
        let nodes = glances.filter {
            $0.activity.down > 0 || $0.activity.up > 0 || !$0.activity.fetches.isEmpty || named.contains($0.host)
        }.map { glance in
            let (bytes, size) = glance.activity.fetches.reduce((0.0, 0.0)) {
                ($0.0 + Double($1.bytes), $0.1 + Double($1.size))
            }
            return SwarmNode(
                host: glance.host, rack: glance.rack ?? "no rack", part: size > 0 ? bytes / size : nil,
                down: glance.activity.down, up: glance.activity.up)
        }
        return (nodes, Array(rates.values))
    }
}
