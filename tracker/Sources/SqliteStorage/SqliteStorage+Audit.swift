// SPDX-License-Identifier: Apache-2.0

package import AuditTrail
import GRDB
package import TrackerStorage

extension SqliteStorage {
    package func appendAudit(_ record: AuditRecord) async throws(StorageError) -> AuditRecord {
        let limits = limits
        return try await write { database in
            var chain = AuditChain()
            if let last = try Row.fetchOne(
                database, sql: "SELECT number, line FROM audit ORDER BY number DESC LIMIT 1")
            {
                guard let resumed = AuditChain(after: last["line"], number: last["number"]) else {
                    throw StorageError.failed(reason: "the last line of the audit trail is no record")
                }
                chain = resumed
            }
            guard chain.count < limits.auditRecords else {
                throw StorageError.full(what: "records of the audit trail", limit: limits.auditRecords)
            }
            let (numbered, line) = chain.append(record)
            try database.execute(
                sql: "INSERT INTO audit (number, line) VALUES (?, ?)",
                arguments: [numbered.number, String(line.dropLast())])
            return numbered
        }
    }

    package func auditLines(
        after number: Int, limit: Int
    ) async throws(StorageError) -> Page<String, Int> {
        try await read { database in
            let lines = Paging(
                limit: limit, read: { row -> (number: Int, line: String) in (row["number"], row["line"]) },
                cursor: \.number, size: { $0.line.utf8.count })
            let page = try lines.page(
                database, "SELECT number, line FROM audit WHERE number > ? ORDER BY number", [number])
            return Page(page.elements.map(\.line), next: page.next)
        }
    }
}
