// SPDX-License-Identifier: Apache-2.0

package import AuditTrail
import GRDB
package import TrackerStorage

extension SqliteStorage {
    package func appendAudit(_ record: AuditRecord) async throws(StorageError) -> AuditRecord {
        let limits = limits
        return try await write { try Self.append(record, limits, $0) }
    }

    package func beginAudit(_ record: AuditRecord) async throws(StorageError) -> Int64 {
        let limits = limits
        return try await write { database in
            let kept = try Int.fetchOne(
                database,
                sql: """
                    SELECT coalesce((SELECT max(number) - min(number) + 1 FROM audit), 0)
                        + (SELECT count(*) FROM unfinished)
                    """
            )
            guard kept ?? 0 < limits.auditRecords else { throw Self.fullTrail(limits) }
            try database.execute(
                sql: "INSERT INTO unfinished (record) VALUES (?)", arguments: [Column.json(record)])
            return database.lastInsertedRowID
        }
    }

    package func finishAudit(_ note: Int64, _ record: AuditRecord) async throws(StorageError) -> AuditRecord {
        let limits = limits
        return try await write { database in
            try database.execute(sql: "DELETE FROM unfinished WHERE note = ?", arguments: [note])
            return try Self.append(record, limits, database)
        }
    }

    package func settleAudit(outcome: String) async throws(StorageError) -> Int {
        let limits = limits
        return try await write { database in
            let notes = try String.fetchAll(database, sql: "SELECT record FROM unfinished ORDER BY note")
            for note in notes {
                var record: AuditRecord = try Column.value(note)
                record.outcome = outcome
                _ = try Self.append(record, limits, database)
            }
            try database.execute(sql: "DELETE FROM unfinished")
            return notes.count
        }
    }

    private static func append(
        _ record: AuditRecord, _ limits: StorageLimits, _ database: Database
    ) throws -> AuditRecord {
        let base = try base(database)
        var chain = base ?? AuditChain()
        if let last = try Row.fetchOne(database, sql: "SELECT number, line FROM audit ORDER BY number DESC LIMIT 1") {
            guard let resumed = AuditChain(after: last["line"], number: last["number"]) else {
                throw StorageError.failed(reason: "the last line of the audit trail is no record")
            }
            chain = resumed
        }
        guard chain.count - (base?.count ?? 0) < limits.auditRecords else { throw fullTrail(limits) }
        let (numbered, line) = chain.append(record)
        try database.execute(
            sql: "INSERT INTO audit (number, line) VALUES (?, ?)",
            arguments: [numbered.number, String(line.dropLast())])
        return numbered
    }

    package func auditBase() async throws(StorageError) -> AuditChain? {
        try await read { try Self.base($0) }
    }

    package func removeAudit(
        upTo base: AuditChain, _ record: AuditRecord
    ) async throws(StorageError) -> Bool {
        let limits = limits
        return try await write { database in
            let line = try String.fetchOne(
                database, sql: "SELECT line FROM audit WHERE number = ?", arguments: [base.count])
            guard let line, line.hasPrefix(base.head + " ") else { return false }
            try database.execute(
                sql: "INSERT OR REPLACE INTO auditBase (only, number, head) VALUES (1, ?, ?)",
                arguments: [base.count, base.head])
            try database.execute(sql: "DELETE FROM audit WHERE number <= ?", arguments: [base.count])
            _ = try Self.append(record, limits, database)
            return true
        }
    }

    private static func base(_ database: Database) throws -> AuditChain? {
        guard let row = try Row.fetchOne(database, sql: "SELECT number, head FROM auditBase") else { return nil }
        guard let chain = AuditChain(head: row["head"], count: row["number"]) else {
            throw StorageError.failed(reason: "the base of the audit trail is none")
        }
        return chain
    }

    private static func fullTrail(_ limits: StorageLimits) -> StorageError {
        .full(what: "records of the audit trail", limit: limits.auditRecords)
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
