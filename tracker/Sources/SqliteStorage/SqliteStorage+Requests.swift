// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
package import TrackerStorage

extension SqliteStorage {
    package func beginRequest(
        key: String, by requester: String, digest: [UInt8], at time: Int64, expires: Int64
    ) async throws(StorageError) -> RequestBeginning {
        let limits = limits
        try limits.holdKeys(key, requester)
        try limits.hold(digest.count, "digest", limits.keyByteCount)
        return try await write { database in
            try database.execute(sql: "DELETE FROM request WHERE expires <= ?", arguments: [time])
            let known = try Row.fetchOne(
                database, sql: "SELECT digest, answer FROM request WHERE requester = ? AND key = ?",
                arguments: [requester, key])
            if let known {
                let knownDigest: Data = known["digest"]
                guard knownDigest == Data(digest) else { return .otherRequest }
                let answer: Data? = known["answer"]
                return answer.map { .answered(Array($0)) } ?? .underWay
            }
            try limits.room(in: "request", database, what: "requests with keys", limit: limits.idempotencyRecords)
            try database.execute(
                sql: "INSERT INTO request (requester, key, digest, expires) VALUES (?, ?, ?, ?)",
                arguments: [requester, key, Data(digest), expires])
            return .begun
        }
    }

    package func finishRequest(key: String, by requester: String, answer: [UInt8]) async throws(StorageError) {
        try limits.hold(answer.count, "answer", limits.answerByteCount)
        try await write { database in
            try database.execute(
                sql: "UPDATE request SET answer = ? WHERE requester = ? AND key = ?",
                arguments: [Data(answer), requester, key])
        }
    }

    package func abandonRequest(key: String, by requester: String) async throws(StorageError) {
        try await write { database in
            try database.execute(
                sql: "DELETE FROM request WHERE requester = ? AND key = ? AND answer IS NULL",
                arguments: [requester, key])
        }
    }
}
