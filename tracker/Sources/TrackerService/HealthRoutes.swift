// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import OperatorAccess
import TrackerStorage

/// `GET /healthz`: whether the tracker works, for probes and people.
struct HealthRoutes: Sendable {
    let swarms: LiveSwarms
    let storage: any CatalogueStorage

    private struct Health: Encodable {
        var status = "ok"
        let swarms: Int
        let peers: Int
    }

    func add(to table: inout RouteTable) {
        table.read("healthz", RoutePolicy(.open)) { _, _ in
            // A name that cannot exist: the look-up fails only when the database does.
            _ = try await storage.newestMaster(of: "")
            let counts = swarms.counts()
            return try JSONAnswer.response(Health(swarms: counts.swarms, peers: counts.peers))
        }
    }
}
