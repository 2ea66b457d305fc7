// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import Foundation
import GRDB
import SqliteStorage
import TestSupport
import Testing
import TrackerStorage

/// Backups of SQLite's databases, and how a tracker knows that it runs on one.
@Suite struct DatabaseCopyTests {
    private func failure(of source: String, to destination: String) -> DatabaseCopy.Failure? {
        do throws(DatabaseCopy.Failure) {
            try DatabaseCopy(of: source, to: destination).make()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a copy that is made while others write is whole, private and alone`() async throws {
        let place = try SqlitePlace()
        let storage = try place.open()
        _ = try await storage.append([[1]], to: "a", expecting: 0, leavingOpen: true)
        let copy = place.folder.path + "/copy.sqlite"
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 1...200 {
                    _ = try await storage.append(
                        [[UInt8(number)], [UInt8(number)]], to: "a", expecting: 2 * number - 1, leavingOpen: true)
                }
            }
            group.addTask { #expect(failure(of: place.path, to: copy) == nil) }
            try await group.waitForAll()
        }
        #expect(try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions] as? Int == 0o600)
        let files = try FileManager.default.contentsOfDirectory(atPath: place.folder.path)
        #expect(files.filter { $0.hasPrefix("copy") } == ["copy.sqlite"])
        let copied = try SqliteStorage(path: copy)
        let sequence = try #require(try await copied.rollout("a")?.sequence)
        let events = try await StorageSamples.all(by: 1000) {
            try await copied.events(of: "a", after: $0 ?? 0, limit: $1)
        }
        // Each append is in it as a whole or not at all.
        #expect(events.count == sequence && sequence % 2 == 1)
    }

    @Test func `nothing is overwritten, and what is no database is not copied`() throws {
        let place = try SqlitePlace()
        _ = try place.open()
        let taken = place.folder.path + "/taken"
        try Data("mine".utf8).write(to: URL(filePath: taken))
        #expect(failure(of: place.path, to: taken) == .exists(taken))
        #expect(try Data(contentsOf: URL(filePath: taken)) == Data("mine".utf8))
        let fresh = place.folder.path + "/fresh"
        #expect(failure(of: place.path + "x", to: fresh) == .noSource(place.path + "x"))
        try Data(String(repeating: "a list of things ", count: 100).utf8).write(to: URL(filePath: taken))
        #expect(failure(of: taken, to: fresh) == .storage(.foreign(place: taken)))
        let other = try DatabaseQueue(path: place.folder.path + "/other.sqlite")
        try other.write { try $0.execute(sql: "CREATE TABLE t (a)") }
        try other.close()
        let path = place.folder.path + "/other.sqlite"
        #expect(failure(of: path, to: fresh) == .storage(.foreign(place: path)))
        guard case .cannotWrite = failure(of: place.path, to: place.folder.path + "/missing/copy") else {
            Issue.record("a missing folder was written to")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: fresh))
    }

    @Test func `a database with damaged pages is not copied`() throws {
        let place = try SqlitePlace()
        do {
            let queue = try DatabaseQueue(path: place.path)
            _ = try place.open()
            try queue.writeWithoutTransaction { database in
                for number in 1...500 {
                    try database.execute(
                        sql: "INSERT INTO pointer VALUES (?, zeroblob(500))", arguments: ["line \(number)"])
                }
                try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
            try queue.close()
        }
        let file = try FileHandle(forUpdating: URL(filePath: place.path))
        let end = try file.seekToEnd()
        try file.seek(toOffset: end / 2)
        try file.write(contentsOf: Data(repeating: 0xa5, count: 40_000))
        try file.close()
        let copy = place.folder.path + "/copy"
        guard case .damaged(place.path, _) = failure(of: place.path, to: copy) else {
            Issue.record("it was copied")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: copy))
    }

    @Test func `a copy begins a new epoch once, whoever made it`() async throws {
        let place = try SqlitePlace()
        let first = try await place.open().settleEpoch(fresh: "aa", at: 1).epoch
        let backup = place.folder.path + "/backup"
        try DatabaseCopy(of: place.path, to: backup).make()
        // The original goes on in its epoch.
        #expect(try await place.open().settleEpoch(fresh: "bb", at: 2).ended == nil)
        // A backup brought back, to the old place or another.
        let restored = place.folder.path + "/restored"
        try DatabaseCopy(of: backup, to: restored).make()
        for path in [backup, restored] {
            let settled = try await SqliteStorage(path: path).settleEpoch(fresh: "cc", at: 3)
            #expect(settled.epoch == Epoch(id: "cc", number: 2, begun: 3) && settled.ended == first)
            #expect(try await SqliteStorage(path: path).settleEpoch(fresh: "dd", at: 4).ended == nil)
        }
        // A file that was copied by other means.
        let byHand = place.folder.path + "/by-hand"
        try FileManager.default.copyItem(atPath: restored, toPath: byHand)
        let settled = try await SqliteStorage(path: byHand).settleEpoch(fresh: "ee", at: 5)
        #expect(settled.epoch.number == 3 && settled.ended?.id == "cc")
    }

    @Test func `a full disk leaves no half copy`() async throws {
        let place = try SqlitePlace(small: true)
        let storage = try place.open()
        for number in 0..<3 {
            let event = [UInt8](repeating: 1, count: 900_000)
            _ = try await storage.append([event], to: "a", expecting: number, leavingOpen: true)
        }
        try place.fill()
        let copy = place.folder.path + "/copy"
        guard case .noSpace(copy) = failure(of: place.path, to: copy) else {
            Issue.record("\(String(describing: failure(of: place.path, to: copy)))")
            return
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: place.folder.path).allSatisfy {
                !$0.hasPrefix("copy")
            })
    }
}
