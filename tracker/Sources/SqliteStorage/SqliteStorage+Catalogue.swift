// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
package import Metainfo
package import TrackerProtocol
package import TrackerStorage

extension SqliteStorage {
    package func publish(
        _ entry: PublishedMaster, torrent: [UInt8]
    ) async throws(StorageError) -> Publication {
        let limits = limits
        try limits.hold(torrent.count, "torrent", limits.torrentByteCount)
        try limits.holdKeys(entry.name)
        return try await write { database in
            if let existing = try Self.master(entry.name, entry.version, database) {
                let isSame = existing.infoHashV1 == entry.infoHashV1 && existing.infoHashV2 == entry.infoHashV2
                return isSame ? .unchanged(existing) : .conflict(existing)
            }
            try limits.room(in: "master", database, what: "masters", limit: limits.masters)
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

    package func masters(
        after: MasterName?, limit: Int
    ) async throws(StorageError) -> Page<PublishedMaster, MasterName> {
        try await read { database in
            let names = Paging(
                limit: limit, read: Self.entry, cursor: { MasterName(name: $0.name, version: $0.version) })
            let page = try names.page(
                database,
                "SELECT \(Self.masterColumns) FROM master WHERE (name, version) > (?, ?) ORDER BY name, version",
                [after?.name ?? "", after?.version ?? 0])
            return Page(page.elements, next: page.next ?? nil)
        }
    }

    package func newestMaster(of line: String) async throws(StorageError) -> PublishedMaster? {
        try await read { database in
            try Row.fetchOne(
                database,
                sql: "SELECT \(Self.masterColumns) FROM master WHERE name = ? ORDER BY version DESC LIMIT 1",
                arguments: [line]
            ).map(Self.entry)
        }
    }

    package func master(_ master: MasterName) async throws(StorageError) -> PublishedMaster? {
        try await read { try Self.master(master.name, master.version, $0) }
    }

    package func torrent(of master: MasterName) async throws(StorageError) -> [UInt8]? {
        try await read { database in
            try Data.fetchOne(
                database, sql: "SELECT torrent FROM master WHERE name = ? AND version = ?",
                arguments: [master.name, master.version]
            ).map(Array.init)
        }
    }

    package func envelope(of subject: SignedSubject) async throws(StorageError) -> [UInt8]? {
        try await read { try Self.envelope(of: subject, $0).map(Array.init) }
    }

    package func replaceEnvelope(
        of subject: SignedSubject, _ known: [UInt8]?, with envelope: [UInt8]
    ) async throws(StorageError) -> Bool {
        try limits.hold(envelope.count, "signed statement", limits.envelopeByteCount)
        return try await write { database in
            guard try Self.isPublished(subject, database),
                try Self.envelope(of: subject, database) == known.map({ Data($0) })
            else { return false }
            switch subject {
            case .master(let master):
                try database.execute(
                    sql: "INSERT OR REPLACE INTO statement (name, version, envelope) VALUES (?, ?, ?)",
                    arguments: [master.name, master.version, Data(envelope)])
            case .line(let name):
                try database.execute(
                    sql: "INSERT OR REPLACE INTO pointer (name, envelope) VALUES (?, ?)",
                    arguments: [name, Data(envelope)])
            }
            return true
        }
    }

    private static func isPublished(_ subject: SignedSubject, _ database: Database) throws -> Bool {
        switch subject {
        case .master(let master): try self.master(master.name, master.version, database) != nil
        case .line(let name):
            try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM master WHERE name = ?)", arguments: [name]) == true
        }
    }

    private static func envelope(of subject: SignedSubject, _ database: Database) throws -> Data? {
        switch subject {
        case .master(let master):
            try Data.fetchOne(
                database, sql: "SELECT envelope FROM statement WHERE name = ? AND version = ?",
                arguments: [master.name, master.version])
        case .line(let name):
            try Data.fetchOne(database, sql: "SELECT envelope FROM pointer WHERE name = ?", arguments: [name])
        }
    }

    private static let masterColumns = "name, version, label, size, infoHashV1, infoHashV2, published"

    private static func master(_ name: String, _ version: Int, _ database: Database) throws -> PublishedMaster? {
        try Row.fetchOne(
            database, sql: "SELECT \(masterColumns) FROM master WHERE name = ? AND version = ?",
            arguments: [name, version]
        ).map(entry)
    }

    private static func entry(_ row: Row) throws -> PublishedMaster {
        PublishedMaster(
            name: row["name"], version: row["version"], label: row["label"], size: row["size"],
            infoHashV1: row["infoHashV1"], infoHashV2: row["infoHashV2"], published: row["published"])
    }
}
