// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
import Glibc
package import TrackerStorage

/// A tracker's storage in one SQLite file. Its parts for each room are extensions, one a file.
package final class SqliteStorage: StorageEngine {
    let database: DatabasePool
    let limits: StorageLimits
    /// Which file this is; `nil` when it cannot be told.
    let file: String?

    /// Opens the database at `path`, or makes it for this user alone, and brings its layout up to date.
    package init(path: String, limits: StorageLimits = StorageLimits()) throws(StorageError) {
        self.limits = limits
        do {
            try Self.make(path)
            // Before SQLite opens it: its locks go when this process closes the file anywhere.
            file = FileIdentity(path: path)?.description
            database = try DatabasePool(path: path, configuration: Self.configuration)
            // What has been acknowledged survives a power failure; what a tracker keeps changes rarely enough to pay for it.
            try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            if try database.read(StorageSchema.migrator.hasBeenSuperseded) {
                throw StorageError.newerSchema(place: path)
            }
            try StorageSchema.migrator.migrate(database)
        } catch {
            throw Self.opening(error, path)
        }
    }

    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "tracker"
        configuration.busyMode = .timeout(5)
        return configuration
    }

    /// Makes an empty file that others cannot read, where there is none: SQLite would make it by the user's mask.
    private static func make(_ path: String) throws(StorageError) {
        let file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        if file >= 0 {
            close(file)
        } else if errno != EEXIST {
            throw .cannotOpen(place: path, reason: String(cString: strerror(errno)))
        }
    }

    static func opening(_ error: any Error, _ path: String) -> StorageError {
        switch error {
        case let error as StorageError: error
        case let error as DatabaseError where error.resultCode == .SQLITE_NOTADB: .foreign(place: path)
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL: .noSpace
        case let error as DatabaseError:
            .cannotOpen(place: path, reason: error.message ?? "SQLite result \(error.resultCode.rawValue)")
        default: .cannotOpen(place: path, reason: "\(error)")
        }
    }
}

extension SqliteStorage {
    /// One transaction that only reads.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StorageError) -> Value {
        do { return try await database.read(body) } catch { throw Self.failure(error) }
    }

    /// One transaction, which is undone when the body throws.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StorageError) -> Value {
        do { return try await database.write(body) } catch { throw Self.failure(error) }
    }

    private static func failure(_ error: any Error) -> StorageError {
        switch error {
        case let error as StorageError: error
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL: .noSpace
        case let error as DatabaseError:
            .failed(reason: error.message ?? "SQLite result \(error.resultCode.rawValue)")
        default: .failed(reason: "\(error)")
        }
    }
}
