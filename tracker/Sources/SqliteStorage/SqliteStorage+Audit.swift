// SPDX-License-Identifier: Apache-2.0

package import AuditTrail
import GRDB
package import TrackerStorage

extension SqliteStorage {
    package func appendAudit(_ record: AuditRecord) async throws(StorageError) -> AuditRecord {
        let limits = limits
        return try await write { database in
            guard try Self.kept(database) < limits.auditRecords else { throw Self.fullTrail(limits) }
            return try Self.append(record, database)
        }
    }

    package func appendRefusal(_ record: AuditRecord) async throws(StorageError) -> AuditRecord? {
        let limits = limits
        return try await write { database in
            try Self.kept(database) < limits.auditedRefusals ? try Self.append(record, database) : nil
        }
    }

    package func beginAudit(_ record: AuditRecord) async throws(StorageError) -> Int64 {
        let limits = limits
        return try await write { database in
            guard try Self.kept(database) < limits.auditedChanges else { throw Self.fullTrail(limits) }
            try database.execute(
                sql: "INSERT INTO unfinished (record) VALUES (?)", arguments: [Column.json(record)])
            return database.lastInsertedRowID
        }
    }

    package func finishAudit(_ note: Int64, _ record: AuditRecord) async throws(StorageError) -> AuditRecord {
        try await write { database in
            try database.execute(sql: "DELETE FROM unfinished WHERE note = ?", arguments: [note])
            return try Self.append(record, database)
        }
    }

    package func settleAudit(outcome: String) async throws(StorageError) -> Int {
        // What was being removed then.
        try await removeBelowBase()
        return try await write { database in
            let notes = try String.fetchAll(database, sql: "SELECT record FROM unfinished ORDER BY note")
            for note in notes {
                var record: AuditRecord = try Column.value(note)
                record.outcome = outcome
                _ = try Self.append(record, database)
            }
            try database.execute(sql: "DELETE FROM unfinished")
            return notes.count
        }
    }

    /// How many records there are, those of what was begun included.
    private static func kept(_ database: Database) throws -> Int {
        let kept = try Int.fetchOne(
            database,
            sql: """
                SELECT coalesce((SELECT max(number) FROM audit) - coalesce((SELECT number FROM auditBase), 0), 0)
                    + (SELECT count(*) FROM unfinished)
                """
        )
        return kept ?? 0
    }

    /// Whether there is room is for the caller to have found out.
    private static func append(_ record: AuditRecord, _ database: Database) throws -> AuditRecord {
        var chain = try base(database) ?? AuditChain()
        if let last = try Row.fetchOne(database, sql: "SELECT number, line FROM audit ORDER BY number DESC LIMIT 1") {
            guard let resumed = AuditChain(after: last["line"], number: last["number"]) else {
                throw StorageError.failed(reason: "the last line of the audit trail is no record")
            }
            chain = resumed
        }
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
        let isRaised = try await write { database in
            let line = try String.fetchOne(
                database, sql: "SELECT line FROM audit WHERE number = ?", arguments: [base.count])
            guard let line, line.hasPrefix(base.head + " "), try Self.base(database)?.count ?? 0 < base.count else {
                return false
            }
            try database.execute(
                sql: "INSERT OR REPLACE INTO auditBase (only, number, head) VALUES (1, ?, ?)",
                arguments: [base.count, base.head])
            _ = try Self.append(record, database)
            return true
        }
        // From now on nobody reads them, so that nothing is lost when this ends here.
        if isRaised { try await removeBelowBase() }
        return isRaised
    }

    /// Removes the lines that the base stands for, in pieces: others write in between.
    private func removeBelowBase() async throws(StorageError) {
        let piece = limits.auditRemoval
        var isDone = false
        while !isDone {
            isDone = try await write { database in
                try database.execute(
                    sql: """
                        DELETE FROM audit WHERE number <= (SELECT number FROM auditBase)
                            AND number < (SELECT min(number) FROM audit) + ?
                        """, arguments: [piece])
                return database.changesCount == 0
            }
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
                database,
                """
                SELECT number, line FROM audit
                WHERE number > max(?, coalesce((SELECT number FROM auditBase), 0)) ORDER BY number
                """, [number])
            return Page(page.elements.map(\.line), next: page.next)
        }
    }
}
