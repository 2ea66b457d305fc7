// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
package import Metainfo
package import TrackerProtocol

/// The masters published at this tracker, in one SQLite file.
///
/// An entry is written once and never changed. Nothing outside this type knows that there is SQL behind it.
package final class Catalogue: Sendable {
    private let database: DatabasePool
    private let limit: Int

    /// What became of a torrent that was published.
    package enum Publication: Sendable {
        /// It is a new entry.
        case created(PublishedMaster)
        /// The catalogue already had the same content under this name and version; nothing was changed.
        case unchanged(PublishedMaster)
        /// The name and version stand for other content; nothing was changed.
        case conflict(PublishedMaster)
    }

    /// Opens the database at `path`, or makes it, and brings its layout up to date.
    /// - Parameter limit: the number of masters held at most.
    package init(path: String, limit: Int = RequestLimits().masters) throws(CatalogueError) {
        self.limit = limit
        do {
            var configuration = Configuration()
            configuration.label = "catalogue"
            configuration.busyMode = .timeout(5)
            database = try DatabasePool(path: path, configuration: configuration)
            // What has been acknowledged survives a power failure; publishing is rare enough to pay for that.
            try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            if try database.read(CatalogueSchema.migrator.hasBeenSuperseded) {
                throw CatalogueError.newerSchema(path: path)
            }
            try CatalogueSchema.migrator.migrate(database)
        } catch let error as CatalogueError {
            throw error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .notADatabase(path: path)
        } catch let error as DatabaseError {
            throw .cannotOpen(path: path, reason: error.message ?? "SQLite result \(error.resultCode.rawValue)")
        } catch {
            throw .cannotOpen(path: path, reason: "\(error)")
        }
    }

    /// Takes a torrent into the catalogue unless its name and version are taken. Content is the same when the
    /// info-hashes are: the torrent first published stays, whatever trackers a later one names.
    package func publish(
        _ torrent: [UInt8], _ metainfo: Metainfo, as master: MasterName, label: String?, at time: String
    ) async throws(CatalogueError) -> Publication {
        let entry = PublishedMaster(
            name: master.name, version: master.version, label: label, size: metainfo.geometry.size,
            infoHashV1: metainfo.infoHashes.v1?.hex, infoHashV2: metainfo.infoHashes.v2?.hex, published: time)
        let limit = limit
        return try await run {
            try await self.database.write { database in
                if let existing = try Self.fetch(master, from: database) {
                    let isSame = existing.infoHashV1 == entry.infoHashV1 && existing.infoHashV2 == entry.infoHashV2
                    return isSame ? .unchanged(existing) : .conflict(existing)
                }
                let count = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM master") ?? 0
                guard count < limit else { throw CatalogueError.full(count: count) }
                try database.execute(
                    sql: """
                        INSERT INTO master (name, version, label, size, infoHashV1, infoHashV2, published, torrent)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        entry.name, entry.version, entry.label, entry.size, entry.infoHashV1, entry.infoHashV2,
                        entry.published, Data(torrent),
                    ])
                return .created(entry)
            }
        }
    }

    /// Every master, by name and then version.
    package func masters() async throws(CatalogueError) -> [PublishedMaster] {
        try await run {
            try await self.database.read { database in
                try Row.fetchAll(database, sql: "SELECT \(Self.columns) FROM master ORDER BY name, version")
                    .map(Self.entry)
            }
        }
    }

    /// The newest version of `name`, or `nil` when there is none.
    package func newest(_ name: String) async throws(CatalogueError) -> PublishedMaster? {
        try await run {
            try await self.database.read { database in
                try Row.fetchOne(
                    database,
                    sql: "SELECT \(Self.columns) FROM master WHERE name = ? ORDER BY version DESC LIMIT 1",
                    arguments: [name]
                ).map(Self.entry)
            }
        }
    }

    /// One version, or `nil` when it is not published here.
    package func master(_ master: MasterName) async throws(CatalogueError) -> PublishedMaster? {
        try await run { try await self.database.read { try Self.fetch(master, from: $0) } }
    }

    /// The bytes of a version's torrent exactly as published, or `nil` when it is not published here.
    package func torrent(_ master: MasterName) async throws(CatalogueError) -> [UInt8]? {
        try await run {
            try await self.database.read { database in
                try Data.fetchOne(
                    database, sql: "SELECT torrent FROM master WHERE name = ? AND version = ?",
                    arguments: [master.name, master.version]
                ).map(Array.init)
            }
        }
    }

    private static let columns = "name, version, label, size, infoHashV1, infoHashV2, published"

    static func fetch(_ master: MasterName, from database: Database) throws -> PublishedMaster? {
        try Row.fetchOne(
            database, sql: "SELECT \(columns) FROM master WHERE name = ? AND version = ?",
            arguments: [master.name, master.version]
        ).map(entry)
    }

    private static func entry(_ row: Row) throws -> PublishedMaster {
        PublishedMaster(
            name: row["name"], version: row["version"], label: row["label"], size: row["size"],
            infoHashV1: row["infoHashV1"], infoHashV2: row["infoHashV2"], published: row["published"])
    }

    /// A stored document, or `nil` when there is none.
    func bytes(_ query: String, _ arguments: StatementArguments) async throws(CatalogueError) -> [UInt8]? {
        try await run {
            try await self.database.read { try Data.fetchOne($0, sql: query, arguments: arguments).map(Array.init) }
        }
    }

    func write<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(CatalogueError) -> Value {
        try await run { try await self.database.write(work) }
    }

    /// Runs database work and tells its errors in this module's terms.
    private func run<Value: Sendable>(
        _ work: @Sendable () async throws -> Value
    ) async throws(CatalogueError) -> Value {
        do {
            return try await work()
        } catch let error as CatalogueError {
            throw error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw .noSpace
        } catch let error as DatabaseError {
            throw .database(reason: error.message ?? "SQLite result \(error.resultCode.rawValue)")
        } catch {
            throw .database(reason: "\(error)")
        }
    }
}
