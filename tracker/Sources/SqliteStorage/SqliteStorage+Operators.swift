// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
import Metainfo
package import OperatorAccess
package import TrackerStorage

extension SqliteStorage {
    package func addToken(_ token: OperatorToken, usingUp oneTime: String?) async throws(StorageError) -> Bool {
        let limits = limits
        try limits.hold(token.name.utf8.count, "name of a token", OperatorToken.nameLimit)
        try limits.hold(token.scopes.count, "list of scopes", OperatorToken.scopeLimit)
        return try await write { database in
            guard try Self.token(token.id, database) == nil else { return false }
            if let oneTime {
                try database.execute(
                    sql: """
                        UPDATE operatorToken SET revoked = ?
                        WHERE id = ? AND isOneTime AND revoked IS NULL AND expires > ?
                        """, arguments: [token.created, oneTime, token.created])
                guard database.changesCount == 1 else { return false }
            }
            try limits.room(in: "operatorToken", database, what: "operators' tokens", limit: limits.operatorTokens)
            try database.execute(
                sql: """
                    INSERT INTO operatorToken
                        (id, digest, name, roles, scopes, isOneTime, creator, created, expires, revoked)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    token.id, Data(token.digest.bytes), token.name, Column.json(token.roles.sorted()),
                    Column.json(token.scopes.sorted { $0.description < $1.description }), token.isOneTime,
                    token.creator, token.created, token.expires, token.revoked,
                ])
            return true
        }
    }

    package func token(id: String) async throws(StorageError) -> OperatorToken? {
        try await read { try Self.token(id, $0) }
    }

    package func tokens(
        after id: String?, limit: Int
    ) async throws(StorageError) -> Page<OperatorToken, String> {
        try await read { database in
            try Paging(limit: limit, read: Self.token(_:), cursor: \.id).page(
                database, "SELECT * FROM operatorToken WHERE id > ? ORDER BY id", [id ?? ""])
        }
    }

    package func revokeToken(id: String, at time: Int64) async throws(StorageError) -> OperatorToken? {
        try await write { database in
            let token = try Self.token(id, database)
            try database.execute(
                sql: "UPDATE operatorToken SET revoked = ? WHERE id = ? AND revoked IS NULL", arguments: [time, id])
            return token
        }
    }

    private static func token(_ id: String, _ database: Database) throws -> OperatorToken? {
        try Row.fetchOne(database, sql: "SELECT * FROM operatorToken WHERE id = ?", arguments: [id]).map(token(_:))
    }

    private static func token(_ row: Row) throws -> OperatorToken {
        let bytes: Data = row["digest"]
        guard let digest = SHA256Digest(bytes) else {
            throw StorageError.failed(reason: "a token's digest has another length")
        }
        return OperatorToken(
            digest: digest, name: row["name"], roles: try Column.value(row["roles"]),
            scopes: try Column.value(row["scopes"]), isOneTime: row["isOneTime"], creator: row["creator"],
            created: row["created"], expires: row["expires"], revoked: row["revoked"])
    }
}
