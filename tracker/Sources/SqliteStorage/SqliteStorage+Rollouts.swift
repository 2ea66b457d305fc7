// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
package import TrackerStorage

extension SqliteStorage {
    package func append(
        _ events: [[UInt8]], to rollout: String, expecting sequence: Int, leavingOpen isOpen: Bool
    ) async throws(StorageError) -> Int {
        let limits = limits
        try limits.holdKeys(rollout)
        try limits.hold(events.count, "list of events", limits.eventsPerAppend)
        for event in events { try limits.hold(event.count, "event", limits.eventByteCount) }
        return try await write { database in
            let known = try Self.rollout(rollout, database)
            let actual = known?.sequence ?? 0
            guard actual == sequence else {
                throw StorageError.sequenceMoved(rollout: rollout, expected: sequence, actual: actual)
            }
            guard events.count <= limits.events - actual else {
                throw StorageError.full(what: "events of \(rollout)", limit: limits.events)
            }
            let end = actual + events.count
            let number: Int64
            if let known {
                number = known.number
                try database.execute(
                    sql: "UPDATE rollout SET sequence = ?, isOpen = ? WHERE number = ?",
                    arguments: [end, isOpen, number])
            } else {
                try limits.room(in: "rollout", database, what: "rollouts", limit: limits.rollouts)
                try database.execute(
                    sql: "INSERT INTO rollout (id, sequence, isOpen) VALUES (?, ?, ?)",
                    arguments: [rollout, end, isOpen])
                number = database.lastInsertedRowID
            }
            let statement = try database.makeStatement(
                sql: "INSERT INTO rolloutEvent (rollout, sequence, bytes) VALUES (?, ?, ?)")
            for (index, event) in events.enumerated() {
                try statement.execute(arguments: [number, actual + index + 1, Data(event)])
            }
            return end
        }
    }

    package func events(
        of rollout: String, after sequence: Int, limit: Int
    ) async throws(StorageError) -> Page<StoredEvent, Int> {
        try await read { database in
            let events = Paging(limit: limit, read: Self.event, cursor: \StoredEvent.sequence, size: \.bytes.count)
            return try events.page(
                database,
                """
                SELECT sequence, bytes FROM rolloutEvent
                WHERE rollout = (SELECT number FROM rollout WHERE id = ?) AND sequence > ? ORDER BY sequence
                """, [rollout, sequence])
        }
    }

    package func rollout(_ id: String) async throws(StorageError) -> StoredRollout? {
        try await read { try Self.rollout(id, $0) }
    }

    package func rollouts(
        after number: Int64?, onlyOpen: Bool, limit: Int
    ) async throws(StorageError) -> Page<StoredRollout, Int64> {
        try await read { database in
            try Paging(limit: limit, read: Self.rollout(_:), cursor: \.number).page(
                database,
                "SELECT * FROM rollout WHERE number > ?\(onlyOpen ? " AND isOpen" : "") ORDER BY number",
                [number ?? 0])
        }
    }

    package func drawNumber() async throws(StorageError) -> Int64 {
        try await write { database in
            let drawn = try Int64.fetchOne(
                database, sql: "UPDATE counter SET value = value + 1 WHERE name = 'order' RETURNING value")
            guard let drawn else { throw StorageError.failed(reason: "the counter of orders is gone") }
            return drawn
        }
    }

    package func attach(_ bytes: [UInt8], named name: String, to rollout: String) async throws(StorageError) -> Bool {
        let limits = limits
        try limits.holdKeys(name)
        try limits.hold(bytes.count, "attachment", limits.attachmentByteCount)
        return try await write { database in
            guard let known = try Self.rollout(rollout, database) else { return false }
            let others = try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM attachment WHERE rollout = ? AND name != ?",
                arguments: [known.number, name])
            guard others ?? 0 < limits.attachments else {
                throw StorageError.full(what: "attachments of \(rollout)", limit: limits.attachments)
            }
            try database.execute(
                sql: "INSERT OR REPLACE INTO attachment (rollout, name, bytes) VALUES (?, ?, ?)",
                arguments: [known.number, name, Data(bytes)])
            return true
        }
    }

    package func attachment(named name: String, of rollout: String) async throws(StorageError) -> [UInt8]? {
        try await read { database in
            try Data.fetchOne(
                database,
                sql: """
                    SELECT bytes FROM attachment
                    WHERE rollout = (SELECT number FROM rollout WHERE id = ?) AND name = ?
                    """, arguments: [rollout, name]
            ).map(Array.init)
        }
    }

    package func attachments(of rollout: String) async throws(StorageError) -> [String] {
        try await read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT name FROM attachment WHERE rollout = (SELECT number FROM rollout WHERE id = ?) ORDER BY name
                    """, arguments: [rollout])
        }
    }

    private static func rollout(_ id: String, _ database: Database) throws -> StoredRollout? {
        try Row.fetchOne(database, sql: "SELECT * FROM rollout WHERE id = ?", arguments: [id]).map(rollout(_:))
    }

    private static func rollout(_ row: Row) throws -> StoredRollout {
        StoredRollout(number: row["number"], id: row["id"], sequence: row["sequence"], isOpen: row["isOpen"])
    }

    private static func event(_ row: Row) throws -> StoredEvent {
        let bytes: Data = row["bytes"]
        return StoredEvent(sequence: row["sequence"], bytes: Array(bytes))
    }
}
