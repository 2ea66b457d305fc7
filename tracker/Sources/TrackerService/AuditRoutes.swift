// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import Hummingbird
import OperatorAccess
import TrackerStorage

/// `/api/v1/audit`: the audit trail's lines as they stand, so that whoever reads them can verify the chain.
struct AuditRoutes: Sendable {
    let storage: any AuditStorage

    private struct Lines: Encodable {
        let lines: [String]
        let next: Int?
    }

    func add(to table: inout RouteTable) {
        table.read("api/v1/audit", RoutePolicy(.operators(.readAudit))) { request, _ in
            let text = request.cursor("after") ?? "0"
            guard let after = Int(text), after >= 0 else { throw Request.badCursor }
            let page = try await storage.auditLines(after: after, limit: try request.limit())
            return try JSONAnswer.response(Lines(lines: page.elements, next: page.next))
        }
    }
}

/// `/api/v1/epoch`: which generation of the tracker's data this is.
struct EpochRoutes: Sendable {
    let storage: any EpochStorage

    private struct Answer: Encodable {
        let id: String
        let number: Int64
        let begun: Int64
    }

    func add(to table: inout RouteTable) {
        table.read("api/v1/epoch", RoutePolicy(.hostsAndOperators(.view))) { _, _ in
            let epoch = try await storage.epoch()
            return try JSONAnswer.response(Answer(id: epoch.id, number: epoch.number, begun: epoch.begun))
        }
    }
}
