// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import Foundation
import GRDB
import SqliteStorage
import TestSupport
import Testing
import TrackerStorage

/// What is SQLite's own: files, layouts, and what others did to them.
@Suite struct SqliteStorageTests {
    private func opening(_ path: String) -> StorageError? {
        do throws(StorageError) {
            _ = try SqliteStorage(path: path)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a database that cannot be used is said so and left alone`() throws {
        let folder = try SqlitePlace().folder
        for path in ["\(folder.path)/missing/tracker.sqlite", folder.path] {
            guard case .cannotOpen(path, _) = opening(path) else {
                Issue.record("\(path) was accepted")
                return
            }
        }
        let text = Data("This is a shopping list, and a rather long one: bread, milk, eggs.".utf8)
        let list = folder.path + "/list.txt"
        try text.write(to: URL(filePath: list))
        #expect(opening(list) == .foreign(place: list))
        #expect(try Data(contentsOf: URL(filePath: list)) == text)
    }

    @Test func `a database of a newer version is refused`() throws {
        let place = try SqlitePlace()
        #expect(opening(place.path) == nil)
        let database = try DatabaseQueue(path: place.path)
        try database.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999 later')") }
        try database.close()
        #expect(opening(place.path) == .newerSchema(place: place.path))
    }

    @Test func `a database from before there were operators opens with all it holds`() async throws {
        let place = try SqlitePlace()
        let old = try DatabaseQueue(path: place.path)
        // As the program of that time left it.
        try await old.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
                    INSERT INTO grdb_migrations VALUES ('1 masters'), ('2 signed');
                    CREATE TABLE master (
                        name TEXT NOT NULL, version INTEGER NOT NULL CHECK (version > 0), label TEXT,
                        size INTEGER NOT NULL CHECK (size > 0), infoHashV1 TEXT, infoHashV2 TEXT,
                        published TEXT NOT NULL, torrent BLOB NOT NULL, PRIMARY KEY (name, version)
                    ) STRICT;
                    CREATE TABLE statement (
                        name TEXT NOT NULL, version INTEGER NOT NULL, envelope BLOB NOT NULL,
                        PRIMARY KEY (name, version), FOREIGN KEY (name, version) REFERENCES master (name, version)
                    ) STRICT;
                    CREATE TABLE pointer (name TEXT NOT NULL PRIMARY KEY, envelope BLOB NOT NULL) STRICT;
                    INSERT INTO master VALUES ('debian', 1, 'ü', 1099511627776, NULL, 'a', '2026-01-01T00:00:00Z', x'0102');
                    INSERT INTO statement VALUES ('debian', 1, x'03');
                    INSERT INTO pointer VALUES ('debian', x'04')
                    """)
        }
        try old.close()
        let storage = try place.open()
        let master = try StorageSamples.name("debian", 1)
        #expect(try await storage.master(master) == StorageSamples.master())
        #expect(try await storage.torrent(of: master) == [1, 2])
        #expect(try await storage.envelope(of: .master(master)) == [3])
        #expect(try await storage.envelope(of: .line("debian")) == [4])
        #expect(try await storage.settleEpoch(fresh: "ff", at: 1).epoch.number == 1)
    }

    @Test func `a new database is for its user alone, and every commit is synced`() async throws {
        let place = try SqlitePlace()
        let storage = try place.open()
        _ = try await storage.drawNumber()
        for suffix in ["", "-wal", "-shm"] {
            let mode = try FileManager.default.attributesOfItem(atPath: place.path + suffix)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(suffix)")
        }
    }

    @Test func `a trail that was changed behind the program's back is noticed`() async throws {
        let place = try SqlitePlace()
        let storage = try place.open()
        for number in 1...3 {
            let record = AuditRecord(at: 1, actor: "a", action: "b", subject: "\(number)")
            _ = try await storage.appendAudit(record)
        }
        let other = try DatabaseQueue(path: place.path)
        await #expect(throws: DatabaseError.self) {
            try await other.write { try $0.execute(sql: "DELETE FROM audit WHERE number = 2") }
        }
        try await other.write { database in
            try database.execute(sql: "DROP TRIGGER auditIsNotChanged")
            try database.execute(sql: "UPDATE audit SET line = replace(line, '\"2\"', '\"9\"') WHERE number = 2")
        }
        await #expect(throws: AuditChain.Break.self) { _ = try await storage.verifiedAudit() }
    }
}
