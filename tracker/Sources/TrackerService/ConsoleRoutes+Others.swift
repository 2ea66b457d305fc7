// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import Console
import FleetProtocol
import FleetService
import Hummingbird
import Metainfo
import OperatorAccess
import TrackerProtocol
import TrackerStorage

/// Masters, the picture of the swarm, and the audit trail.
extension ConsoleRoutes {
    private static let recordsShown = 100

    func addOthers(to table: inout RouteTable) {
        table.page("masters", Self.looking) { request, context in
            let after = try request.cursor("after").map { text in
                guard let master = MasterName(text) else { throw Request.badCursor }
                return master
            }
            let page = try await storage.masters(after: after, limit: try request.limit())
            let spread = await look.latest().spread
            let masters = page.elements.map { entry in
                let name = "\(entry.name)@\(entry.version)"
                return MasterScene(
                    master: name, size: entry.size, published: entry.published, label: entry.label,
                    held: spread[name]?.held ?? 0, active: spread[name]?.active ?? 0, clones: spread[name]?.clones ?? 0)
            }
            return ConsoleDoor.html(
                ConsolePage.masters(masters, next: page.next.map { "\($0)" }).html(for: context.viewer))
        }
        table.page("swarm", Self.looking) { _, context in
            let (nodes, flows) = SwarmPicture.of(await look.latest().glances)
            return ConsoleDoor.html(ConsolePage.swarm(nodes, flows).html(for: context.viewer))
        }
        table.page("audit", RoutePolicy(.operators(.readAudit))) { request, context in
            var before = try await lastAuditNumber() + 1
            if let text = request.cursor("before") {
                guard let number = Int(text), number > 0 else { throw Request.badCursor }
                before = min(before, number)
            }
            let first = max(0, before - 1 - Self.recordsShown)
            let lines =
                before > 1 ? try await storage.auditLines(after: first, limit: before - 1 - first).elements : []
            let records = lines.reversed().compactMap { AuditChain.record(in: $0.filter { $0 != "\n" }) }
            let entries = records.map { record in
                AuditScene(
                    at: Self.time(record.at), actor: record.actor, action: record.action, subject: record.subject,
                    outcome: record.outcome, request: record.request ?? "")
            }
            let next = first > 0 && !records.isEmpty ? "\(first + 1)" : nil
            return ConsoleDoor.html(ConsolePage.audit(entries, next: next).html(for: context.viewer))
        }
    }

    /// The number of the newest record, found by halving: the storage is asked for what comes after a record.
    private func lastAuditNumber() async throws -> Int {
        var (low, high) = (0, 1)
        while try await !storage.auditLines(after: high, limit: 1).elements.isEmpty { (low, high) = (high, high * 2) }
        while low < high {
            let middle = (low + high) / 2
            if try await storage.auditLines(after: middle, limit: 1).elements.isEmpty {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }
}
