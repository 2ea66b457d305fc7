// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
package import TrackerStorage

extension SqliteStorage {
    package func addEnrolmentToken(_ token: StoredEnrolmentToken) async throws(StorageError) -> Bool {
        let limits = limits
        try limits.holdKeys(token.id, token.pattern, token.creator)
        try limits.hold(labels: token.labels)
        return try await write { database in
            let isTaken = try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM enrolmentToken WHERE id = ? OR digest = ?)",
                arguments: [token.id, Data(token.digest)])
            guard isTaken == false else { return false }
            try limits.room(in: "enrolmentToken", database, what: "enrolment tokens", limit: limits.enrolmentTokens)
            try database.execute(
                sql: """
                    INSERT INTO enrolmentToken
                        (id, digest, pattern, labels, creator, created, expires, usedBy, usedAt)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    token.id, Data(token.digest), token.pattern, Column.json(token.labels), token.creator,
                    token.created, token.expires, token.used?.host, token.used?.at,
                ])
            return true
        }
    }

    package func enrolmentToken(digest: [UInt8]) async throws(StorageError) -> StoredEnrolmentToken? {
        try await read { try Self.enrolmentToken(digest, $0) }
    }

    package func enrolmentTokens(
        after id: String?, limit: Int
    ) async throws(StorageError) -> Page<StoredEnrolmentToken, String> {
        try await read { database in
            try Paging(limit: limit, read: Self.enrolmentToken(_:), cursor: \.id).page(
                database, "SELECT * FROM enrolmentToken WHERE id > ? ORDER BY id", [id ?? ""])
        }
    }

    package func removeEnrolmentToken(id: String) async throws(StorageError) -> Bool {
        try await write { database in
            try database.execute(sql: "DELETE FROM enrolmentToken WHERE id = ?", arguments: [id])
            return database.changesCount > 0
        }
    }

    package func enrol(
        _ host: StoredHost, _ certificate: StoredCertificate, redeeming digest: [UInt8], replacing: Bool, at time: Int64
    ) async throws(StorageError) -> Enrolment {
        let limits = limits
        try limits.hold(host)
        return try await write { database in
            guard let token = try Self.enrolmentToken(digest, database) else { return .unknownToken }
            guard token.used == nil else { return .usedToken }
            guard time < token.expires else { return .expiredToken }
            let existing = try Self.host(host.name, database)
            if let existing, existing.revoked == nil, !replacing { return .nameTaken }
            if existing == nil { try limits.room(in: "host", database, what: "hosts", limit: limits.hosts) }
            try database.execute(
                sql: "UPDATE enrolmentToken SET usedBy = ?, usedAt = ? WHERE id = ?",
                arguments: [host.name, time, token.id])
            try Self.revokeCertificates(of: host.name, at: time, database)
            let enrolled = StoredHost(
                name: host.name, labels: host.labels, enrolled: host.enrolled, revoked: nil, lastHeard: host.lastHeard,
                facts: host.facts, isDrained: existing?.isDrained ?? false, pinnedLines: existing?.pinnedLines ?? [],
                revision: (existing?.revision ?? 0) + 1)
            try database.execute(
                sql: """
                    INSERT INTO host (name, labels, enrolled, revoked, lastHeard, revision, facts)
                    VALUES (?, ?, ?, NULL, ?, ?, ?)
                    ON CONFLICT (name) DO UPDATE SET
                        labels = excluded.labels, enrolled = excluded.enrolled, revoked = NULL,
                        lastHeard = excluded.lastHeard, revision = excluded.revision, facts = excluded.facts
                    """,
                arguments: [
                    enrolled.name, Column.json(enrolled.labels), enrolled.enrolled, enrolled.lastHeard,
                    enrolled.revision, Data(enrolled.facts),
                ])
            guard try Self.insert(certificate, at: time, limits, database) else {
                throw StorageError.failed(
                    reason: "a certificate with the serial \(certificate.serial) was issued before")
            }
            return .enrolled(enrolled)
        }
    }

    private static func enrolmentToken(_ digest: [UInt8], _ database: Database) throws -> StoredEnrolmentToken? {
        try Row.fetchOne(database, sql: "SELECT * FROM enrolmentToken WHERE digest = ?", arguments: [Data(digest)])
            .map(enrolmentToken(_:))
    }

    private static func enrolmentToken(_ row: Row) throws -> StoredEnrolmentToken {
        let usedBy: String? = row["usedBy"]
        let usedAt: Int64? = row["usedAt"]
        let digest: Data = row["digest"]
        return StoredEnrolmentToken(
            id: row["id"], digest: Array(digest), pattern: row["pattern"], labels: try Column.value(row["labels"]),
            creator: row["creator"], created: row["created"], expires: row["expires"],
            used: usedBy.flatMap { host in usedAt.map { StoredEnrolmentToken.Use(host: host, at: $0) } })
    }
}

extension StorageLimits {
    func hold(labels: [String: String]) throws(StorageError) {
        try hold(labels.count, "list of labels", self.labels)
        for (key, value) in labels {
            try hold(key.utf8.count, "label", labelByteCount)
            try hold(value.utf8.count, "label", labelByteCount)
        }
    }

    func hold(_ host: StoredHost) throws(StorageError) {
        try holdKeys(host.name)
        try hold(labels: host.labels)
        try hold(host.facts.count, "description of a host", factsByteCount)
        try hold(host.pinnedLines.count, "list of pinned lines", pinnedLines)
    }
}
