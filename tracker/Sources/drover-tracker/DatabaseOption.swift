// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AuditTrail
import FoundationEssentials
import Glibc
import SqliteStorage
import TrackerStorage

/// The database of a tracker, for the commands that work on it from the same machine, with the tracker running or not.
struct DatabaseOption: ParsableArguments {
    @Option(help: ArgumentHelp("The tracker's SQLite file.", valueName: "file"))
    var database: String

    /// Opens the database, which must be there.
    func open() throws -> SqliteStorage {
        var status = stat()
        guard stat(database, &status) == 0 else {
            throw TrackerFailure(
                message: "There is no database \(database); name the one that the tracker runs on.", code: 3)
        }
        do throws(StorageError) {
            return try SqliteStorage(path: database)
        } catch {
            throw TrackerFailure(message: error.description)
        }
    }

    /// Runs `body` and tells its failures in this program's terms.
    func withStorage<Value>(_ body: (SqliteStorage) async throws -> Value) async throws -> Value {
        let storage = try open()
        do {
            return try await body(storage)
        } catch let error as StorageError {
            throw TrackerFailure(message: error.description, code: error == .noSpace ? 9 : 1)
        }
    }
}

extension SqliteStorage {
    /// Writes down what somebody did here, who needs no token for it because they can write to the database.
    func noteLocal(_ action: String, _ subject: String, before: String? = nil, after: String? = nil) async throws {
        let record = AuditRecord(
            at: now(), actor: "local (user \(getuid()))", action: action, subject: subject, before: before, after: after
        )
        _ = try await appendAudit(record)
    }
}

/// Seconds since 1970.
func now() -> Int64 { Int64(Date.now.timeIntervalSince1970) }

/// A moment in UTC for people.
func moment(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
}
