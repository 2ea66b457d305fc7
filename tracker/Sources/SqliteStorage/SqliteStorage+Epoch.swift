// SPDX-License-Identifier: Apache-2.0

import GRDB
package import TrackerStorage

extension SqliteStorage {
    package func epoch() async throws(StorageError) -> Epoch {
        try await read { try Self.epoch($0) }
    }

    package func settleEpoch(
        fresh id: String, at time: Int64
    ) async throws(StorageError) -> (epoch: Epoch, ended: Epoch?) {
        let file = file
        let (epoch, ended): (Epoch, Epoch?) = try await write { database in
            let known = try String.fetchOne(database, sql: "SELECT file FROM place")
            let isCopy = try CopyMark.isSet(in: database) || known != nil && file != nil && known != file
            if let file {
                try database.execute(sql: "INSERT OR REPLACE INTO place (only, file) VALUES (1, ?)", arguments: [file])
            }
            let current = try Self.epoch(database)
            guard isCopy else { return (current, nil) }
            try CopyMark.remove(from: database)
            return (try Self.begin(id, at: time, after: current, database), current)
        }
        return (epoch, ended)
    }

    package func beginEpoch(id: String, at time: Int64) async throws(StorageError) -> Epoch {
        try await write { try Self.begin(id, at: time, after: Self.epoch($0), $0) }
    }

    private static func begin(
        _ id: String, at time: Int64, after current: Epoch, _ database: Database
    ) throws -> Epoch {
        let next = Epoch(id: id, number: current.number + 1, begun: time)
        try database.execute(
            sql: "INSERT INTO epoch (number, id, begun) VALUES (?, ?, ?)",
            arguments: [next.number, next.id, next.begun])
        return next
    }

    private static func epoch(_ database: Database) throws -> Epoch {
        guard let row = try Row.fetchOne(database, sql: "SELECT * FROM epoch ORDER BY number DESC LIMIT 1") else {
            throw StorageError.failed(reason: "the epoch is gone")
        }
        return Epoch(id: row["id"], number: row["number"], begun: row["begun"])
    }
}

/// What a backup carries and the database itself does not. It is the number that SQLite leaves to programs, which every
/// layout of the database has.
enum CopyMark {
    static func isSet(in database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "PRAGMA user_version") == 1
    }

    static func set(in database: Database) throws { try database.execute(sql: "PRAGMA user_version = 1") }

    static func remove(from database: Database) throws { try database.execute(sql: "PRAGMA user_version = 0") }
}
