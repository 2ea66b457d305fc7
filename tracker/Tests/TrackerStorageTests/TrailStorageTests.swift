// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import Testing
import TrackerStorage

@Suite struct TrailStorageTests {
    typealias Samples = StorageSamples

    private static func record(_ number: Int) -> AuditRecord {
        AuditRecord(
            at: Int64(number), actor: "operator a", action: "master.publish", subject: "debian@\(number)",
            outcome: number.isMultiple(of: 3) ? "forbidden" : "done", origin: "10.0.0.1", request: "r\(number)")
    }

    @Test(arguments: Engine.allCases)
    func `records added at once from two sides make one chain that holds`(_ engine: Engine) async throws {
        let place = try engine.place()
        let storages = [try place.open(), try place.open()]
        let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<30 {
                group.addTask { try await storages[index % 2].appendAudit(Self.record(index)).number }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(numbers == Set(1...30))
        let storage = try place.open()
        var subjects: Set<String> = []
        let chain = try await storage.verifiedAudit { record, _ in subjects.insert(record.subject) }
        #expect(chain.count == 30 && subjects.count == 30)
        let lines = try await Samples.all(by: 7) { try await storage.auditLines(after: $0 ?? 0, limit: $1) }
        var again = AuditChain()
        for line in lines { _ = try again.follow(line) }
        #expect(again == chain)
    }

    @Test(arguments: Engine.allCases)
    func `what was begun leaves one record, also when the tracker ended in its middle`(_ engine: Engine) async throws {
        let place = try engine.place()
        do {
            let storage = try place.open()
            let notes = [try await storage.beginAudit(Self.record(1)), try await storage.beginAudit(Self.record(2))]
            #expect(Set(notes).count == 2)
            var record = Self.record(2)
            record.outcome = "conflict"
            #expect(try await storage.finishAudit(notes[1], record).number == 1)
        }
        let storage = try place.open()
        #expect(try await storage.settleAudit(outcome: "interrupted") == 1)
        #expect(try await storage.settleAudit(outcome: "interrupted") == 0)
        var records: [AuditRecord] = []
        _ = try await storage.verifiedAudit { record, _ in records.append(record) }
        #expect(records.map(\.subject) == ["debian@2", "debian@1"])
        #expect(records.map(\.outcome) == ["conflict", "interrupted"])
    }

    @Test(arguments: Engine.allCases)
    func `a full trail refuses`(_ engine: Engine) async throws {
        var limits = StorageLimits()
        limits.auditRecords = 2
        let storage = try engine.place().open(limits)
        for index in 0..<2 { _ = try await storage.appendAudit(Self.record(index)) }
        let error = await StorageError.thrown { _ = try await storage.appendAudit(Self.record(3)) }
        #expect(error == .full(what: "records of the audit trail", limit: 2))
        let begun = await StorageError.thrown { _ = try await storage.beginAudit(Self.record(3)) }
        #expect(begun == error)
    }

    @Test(arguments: Engine.allCases)
    func `refusals leave room for changes, and both for what is done on the spot`(_ engine: Engine) async throws {
        var limits = StorageLimits()
        limits.auditRecords = 100
        let storage = try engine.place().open(limits)
        for index in 1...89 { _ = try await storage.appendAudit(Self.record(index)) }
        let note = try await storage.beginAudit(Self.record(90))
        #expect(try await storage.appendRefusal(Self.record(91)) == nil)
        _ = try await storage.finishAudit(note, Self.record(90))
        let notes = try await (91...99).asyncMap { try await storage.beginAudit(Self.record($0)) }
        let full = await StorageError.thrown { _ = try await storage.beginAudit(Self.record(100)) }
        #expect(full == .full(what: "records of the audit trail", limit: 100))
        #expect(try await storage.appendAudit(Self.record(100)).number == 91)
        // What was begun has its place, whatever came in between.
        #expect(await StorageError.thrown { _ = try await storage.appendAudit(Self.record(101)) } == full)
        for (index, note) in notes.enumerated() { _ = try await storage.finishAudit(note, Self.record(91 + index)) }
        #expect(try await storage.verifiedAudit().count == 100)
    }

    @Test(arguments: Engine.allCases)
    func `the oldest records can be removed once they are kept elsewhere`(_ engine: Engine) async throws {
        var limits = StorageLimits()
        (limits.auditRecords, limits.auditRemoval) = (6, 3)
        let storage = try engine.place().open(limits)
        for index in 1...6 { _ = try await storage.appendAudit(Self.record(index)) }
        let lines = try await storage.auditLines(after: 0, limit: 9).elements
        var archive = AuditChain()
        for line in lines.prefix(4) { _ = try archive.follow(line) }
        // What the trail does not have is no base.
        let strange = try #require(AuditChain(head: String(repeating: "a", count: 64), count: 4))
        #expect(try await !storage.removeAudit(upTo: strange, Self.record(7)))
        #expect(try await storage.auditBase() == nil)
        #expect(try await storage.removeAudit(upTo: archive, Self.record(7)))
        #expect(try await storage.auditBase() == archive)
        #expect(try await storage.auditLines(after: 0, limit: 9).elements.count == 3)
        #expect(try await !storage.removeAudit(upTo: archive, Self.record(7)), "it is gone")
        var subjects: [String] = []
        let chain = try await storage.verifiedAudit(after: archive) { record, _ in subjects.append(record.subject) }
        #expect(chain.count == 7 && subjects == ["debian@5", "debian@6", "debian@7"])
        await #expect(throws: AuditChain.Break.self) { _ = try await storage.verifiedAudit(after: AuditChain()) }
        // There is room for as many as went, and all of them together are one chain.
        for index in 8...10 { _ = try await storage.appendAudit(Self.record(index)) }
        let full = await StorageError.thrown { _ = try await storage.beginAudit(Self.record(11)) }
        #expect(full == .full(what: "records of the audit trail", limit: 6))
        var whole = AuditChain()
        let rest = try await storage.auditLines(after: 0, limit: 9).elements
        for line in lines.prefix(4) + rest { _ = try whole.follow(line) }
        #expect(whole.count == 10)
        // All of it may go, but for the record of that.
        #expect(try await storage.removeAudit(upTo: whole, Self.record(11)))
        #expect(try await storage.verifiedAudit(after: whole).count == 11)
    }

    @Test(arguments: Engine.allCases)
    func `a request is carried out once`(_ engine: Engine) async throws {
        let storage = try engine.place().open()
        func begin(_ key: String, by requester: String = "a", _ digest: [UInt8] = [1], at time: Int64 = 10)
            async throws -> RequestBeginning
        {
            try await storage.beginRequest(key: key, by: requester, digest: digest, at: time, expires: time + 100)
        }
        #expect(try await begin("k") == .begun)
        #expect(try await begin("k") == .underWay)
        #expect(try await begin("k", [2]) == .otherRequest)
        #expect(try await begin("k", by: "b") == .begun)
        try await storage.finishRequest(key: "k", by: "a", answer: [7])
        #expect(try await begin("k") == .answered([7]))
        try await storage.abandonRequest(key: "k", by: "a")
        #expect(try await begin("k") == .answered([7]))
        try await storage.abandonRequest(key: "k", by: "b")
        #expect(try await begin("k", by: "b") == .begun)
        #expect(try await begin("k", [2], at: 110) == .begun)
    }

    @Test(arguments: Engine.allCases)
    func `an epoch lasts while the data is the same`(_ engine: Engine) async throws {
        let place = try engine.place()
        let first = try await place.open().epoch()
        #expect(first.number == 1 && first.id.utf8.count == 32)
        for _ in 0..<2 {
            let (epoch, ended) = try await place.open().settleEpoch(fresh: "ff", at: 7)
            #expect(epoch == first && ended == nil)
        }
        let next = try await place.open().beginEpoch(id: "ff", at: 9)
        #expect(next == Epoch(id: "ff", number: 2, begun: 9))
        #expect(try await place.open().epoch() == next)
        #expect(try await engine.place().open().epoch().id != first.id)
    }

    @Test(arguments: Engine.allCases)
    func `without room a change is refused as a whole, and works once there is some`(_ engine: Engine) async throws {
        let place = try engine.place(small: true)
        let storage = try place.open()
        _ = try await storage.append([[1]], to: "a", expecting: 0, leavingOpen: true)
        _ = try await storage.appendAudit(Self.record(1))
        try place.fill()
        let long = [UInt8](repeating: 7, count: 1 << 20)
        let events = await StorageError.thrown {
            _ = try await storage.append([[2], long, long], to: "a", expecting: 1, leavingOpen: false)
        }
        #expect(events == .noSpace)
        let torrent = await StorageError.thrown { _ = try await storage.publish(Samples.master(), torrent: long) }
        #expect(torrent == .noSpace)
        #expect(try await storage.events(of: "a", after: 0, limit: 9).elements.map(\.bytes) == [[1]])
        #expect(try await storage.rollout("a")?.isOpen == true)
        #expect(try await storage.newestMaster(of: "debian") == nil)
        try place.makeRoom()
        #expect(try await storage.append([[2], long], to: "a", expecting: 1, leavingOpen: false) == 3)
        #expect(try await storage.appendAudit(Self.record(2)).number == 2)
        #expect(try await place.open().verifiedAudit().count == 2)
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
