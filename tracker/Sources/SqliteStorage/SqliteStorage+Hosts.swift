// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
package import TrackerStorage

extension SqliteStorage {
    package func host(_ name: String) async throws(StorageError) -> StoredHost? {
        try await read { try Self.host(name, $0) }
    }

    package func hosts(after name: String?, limit: Int) async throws(StorageError) -> Page<StoredHost, String> {
        try await read { database in
            try Paging(limit: limit, read: Self.host(_:), cursor: \.name, size: \.facts.count).page(
                database, "SELECT * FROM host WHERE name > ? ORDER BY name", [name ?? ""])
        }
    }

    package func replaceHost(_ host: StoredHost) async throws(StorageError) -> StoredHost? {
        try limits.hold(host)
        return try await write { database in
            try database.execute(
                sql: """
                    UPDATE host SET labels = ?, facts = ?, isDrained = ?, pinnedLines = ?, revision = revision + 1
                    WHERE name = ? AND revision = ?
                    """,
                arguments: [
                    Column.json(host.labels), Data(host.facts), host.isDrained, Column.json(host.pinnedLines.sorted()),
                    host.name, host.revision,
                ])
            return database.changesCount > 0 ? try Self.host(host.name, database) : nil
        }
    }

    package func noteHeard(_ times: [String: Int64]) async throws(StorageError) {
        try await write { database in
            let statement = try database.makeStatement(
                sql: "UPDATE host SET lastHeard = max(coalesce(lastHeard, 0), ?) WHERE name = ?")
            for (name, time) in times { try statement.execute(arguments: [time, name]) }
        }
    }

    package func revokeHost(_ name: String, at time: Int64) async throws(StorageError) -> StoredHost? {
        try await write { database in
            let host = try Self.host(name, database)
            try database.execute(
                sql: "UPDATE host SET revoked = ?, revision = revision + 1 WHERE name = ? AND revoked IS NULL",
                arguments: [time, name])
            try Self.revokeCertificates(of: name, at: time, database)
            return host
        }
    }

    package func addCertificate(_ certificate: StoredCertificate) async throws(StorageError) -> Bool {
        let limits = limits
        return try await write { database in
            guard let host = try Self.host(certificate.host, database), host.revoked == nil else { return false }
            return try Self.insert(certificate, at: certificate.issued, limits, database)
        }
    }

    package func certificate(serial: String) async throws(StorageError) -> StoredCertificate? {
        try await read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM certificate WHERE serial = ?", arguments: [serial])
                .map(Self.certificate)
        }
    }

    package func certificates(of host: String) async throws(StorageError) -> [StoredCertificate] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM certificate WHERE host = ? ORDER BY issued, serial", arguments: [host]
            ).map(Self.certificate)
        }
    }

    package func revokeCertificate(serial: String, at time: Int64) async throws(StorageError) -> Bool {
        try await write { database in
            try database.execute(
                sql: "UPDATE certificate SET revoked = coalesce(revoked, ?) WHERE serial = ?",
                arguments: [time, serial])
            return database.changesCount > 0
        }
    }

    package func revokedCertificates(
        at time: Int64, after serial: String?, limit: Int
    ) async throws(StorageError) -> Page<StoredCertificate, String> {
        try await read { database in
            try Paging(limit: limit, read: Self.certificate, cursor: \.serial).page(
                database,
                "SELECT * FROM certificate WHERE revoked IS NOT NULL AND expires > ? AND serial > ? ORDER BY serial",
                [time, serial ?? ""])
        }
    }

    static func host(_ name: String, _ database: Database) throws -> StoredHost? {
        try Row.fetchOne(database, sql: "SELECT * FROM host WHERE name = ?", arguments: [name]).map(host(_:))
    }

    static func revokeCertificates(of host: String, at time: Int64, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE certificate SET revoked = ? WHERE host = ? AND revoked IS NULL", arguments: [time, host])
    }

    /// - Returns: `false` when the serial is taken.
    static func insert(
        _ certificate: StoredCertificate, at time: Int64, _ limits: StorageLimits, _ database: Database
    ) throws -> Bool {
        try limits.holdKeys(certificate.serial)
        let isTaken = try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM certificate WHERE serial = ?)", arguments: [certificate.serial]
        )
        guard isTaken == false else { return false }
        let count = try Int.fetchOne(
            database, sql: "SELECT COUNT(*) FROM certificate WHERE host = ?", arguments: [certificate.host])
        if count ?? 0 >= limits.certificatesPerHost {
            // A certificate that expired a day ago opens nothing even where clocks are slow, so nobody needs to know that
            // it was revoked.
            try database.execute(
                sql: "DELETE FROM certificate WHERE host = ? AND expires <= ?",
                arguments: [certificate.host, time - 86_400])
            guard database.changesCount > 0 else {
                throw StorageError.full(what: "certificates of \(certificate.host)", limit: limits.certificatesPerHost)
            }
        }
        try database.execute(
            sql: "INSERT INTO certificate (serial, host, issued, expires, revoked) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                certificate.serial, certificate.host, certificate.issued, certificate.expires, certificate.revoked,
            ])
        return true
    }

    private static func host(_ row: Row) throws -> StoredHost {
        let facts: Data = row["facts"]
        return StoredHost(
            name: row["name"], labels: try Column.value(row["labels"]), enrolled: row["enrolled"],
            revoked: row["revoked"], lastHeard: row["lastHeard"], facts: Array(facts), isDrained: row["isDrained"],
            pinnedLines: Set(try Column.value(row["pinnedLines"]) as [String]), revision: row["revision"])
    }

    private static func certificate(_ row: Row) throws -> StoredCertificate {
        StoredCertificate(
            serial: row["serial"], host: row["host"], issued: row["issued"], expires: row["expires"],
            revoked: row["revoked"])
    }
}
