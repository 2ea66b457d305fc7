// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerStorage

@Suite struct RolloutStorageTests {
    typealias Samples = StorageSamples

    @Test(arguments: Engine.allCases)
    func `a log grows at its end, and is read again in any pages`(_ engine: Engine) async throws {
        let place = try engine.place()
        do {
            let storage = try place.open()
            #expect(try await storage.append([[1], [2]], to: "a", expecting: 0, leavingOpen: true) == 2)
            #expect(try await storage.append([], to: "a", expecting: 2, leavingOpen: true) == 2)
            #expect(try await storage.append([[3]], to: "a", expecting: 2, leavingOpen: false) == 3)
            #expect(try await storage.append([[9]], to: "b", expecting: 0, leavingOpen: true) == 1)
        }
        let storage = try place.open()
        for limit in [1, 2, 50] {
            let events = try await Samples.all(by: limit) {
                try await storage.events(of: "a", after: $0 ?? 0, limit: $1)
            }
            #expect(events == [[1], [2], [3]].enumerated().map { StoredEvent(sequence: $0 + 1, bytes: $1) })
        }
        #expect(try await storage.events(of: "nope", after: 0, limit: 9).elements.isEmpty)
        let rollouts = try await Samples.all(by: 1) {
            try await storage.rollouts(after: $0, onlyOpen: false, limit: $1)
        }
        #expect(rollouts.map(\.id) == ["a", "b"] && rollouts.map(\.isOpen) == [false, true])
        #expect(try await storage.rollouts(after: nil, onlyOpen: true, limit: 9).elements.map(\.id) == ["b"])
        #expect(try await storage.rollout("a")?.sequence == 3)
        #expect(try await storage.rollout("nope") == nil)
    }

    @Test(arguments: Engine.allCases)
    func `an append that has not seen all events changes nothing`(_ engine: Engine) async throws {
        let storage = try engine.place().open()
        _ = try await storage.append([[1], [2]], to: "a", expecting: 0, leavingOpen: true)
        for (rollout, expected, actual) in [("a", 1, 2), ("a", 3, 2), ("a", 0, 2), ("b", 1, 0)] {
            let error = await StorageError.thrown {
                _ = try await storage.append([[3]], to: rollout, expecting: expected, leavingOpen: false)
            }
            #expect(error == .sequenceMoved(rollout: rollout, expected: expected, actual: actual))
        }
        #expect(try await storage.rollout("a")?.isOpen == true)
        #expect(try await storage.rollout("b") == nil)
    }

    @Test(arguments: Engine.allCases)
    func `many who append at once each get their place, and none is lost`(_ engine: Engine) async throws {
        let place = try engine.place()
        let storages = [try place.open(), try place.open()]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    let storage = storages[writer % 2]
                    var written = 0
                    while written < 10 {
                        let seen = try await storage.rollout("a")?.sequence ?? 0
                        do {
                            _ = try await storage.append(
                                [[UInt8(writer), UInt8(written)]], to: "a", expecting: seen, leavingOpen: true)
                            written += 1
                        } catch StorageError.sequenceMoved {}
                    }
                }
            }
            try await group.waitForAll()
        }
        let events = try await storages[0].events(of: "a", after: 0, limit: 1000).elements
        #expect(events.map(\.sequence) == Array(1...80))
        for writer in 0..<8 {
            let own = events.map(\.bytes).filter { $0.first == UInt8(writer) }
            #expect(own.compactMap(\.last) == Array(0..<10))
        }
    }

    @Test(arguments: Engine.allCases)
    func `long events make short pages`(_ engine: Engine) async throws {
        let storage = try engine.place().open()
        let long = [UInt8](repeating: 7, count: 1 << 20)
        _ = try await storage.append(Array(repeating: long, count: 20), to: "a", expecting: 0, leavingOpen: true)
        let page = try await storage.events(of: "a", after: 0, limit: 1000)
        #expect((1..<20).contains(page.elements.count) && page.next == page.elements.last?.sequence)
        let all = try await Samples.all(by: 1000) { try await storage.events(of: "a", after: $0 ?? 0, limit: $1) }
        #expect(all.count == 20)
        let tooLong = await StorageError.thrown {
            let more = [UInt8](repeating: 7, count: StorageLimits().eventByteCount + 1)
            _ = try await storage.append([more], to: "a", expecting: 20, leavingOpen: true)
        }
        #expect(tooLong == .tooLarge(what: "event", limit: StorageLimits().eventByteCount))
    }

    @Test(arguments: Engine.allCases)
    func `numbers are drawn once each, also after opening anew`(_ engine: Engine) async throws {
        let place = try engine.place()
        let storages = [try place.open(), try place.open()]
        let drawn = try await withThrowingTaskGroup(of: Int64.self) { group in
            for index in 0..<40 { group.addTask { try await storages[index % 2].drawNumber() } }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(drawn.count == 40)
        #expect(try await place.open().drawNumber() > drawn.max() ?? .max)
    }

    @Test(arguments: Engine.allCases)
    func `attachments stay with their rollout`(_ engine: Engine) async throws {
        var limits = StorageLimits()
        limits.attachments = 2
        let storage = try engine.place().open(limits)
        #expect(try await !storage.attach([1], named: "h1", to: "a"))
        _ = try await storage.append([[1]], to: "a", expecting: 0, leavingOpen: true)
        #expect(try await storage.attach([1], named: "h1", to: "a"))
        #expect(try await storage.attach([2], named: "h2", to: "a"))
        #expect(try await storage.attach([3], named: "h1", to: "a"))
        let full = await StorageError.thrown { _ = try await storage.attach([4], named: "h3", to: "a") }
        #expect(full == .full(what: "attachments of a", limit: 2))
        #expect(try await storage.attachments(of: "a") == ["h1", "h2"])
        #expect(try await storage.attachment(named: "h1", of: "a") == [3])
        #expect(try await storage.attachment(named: "h1", of: "b") == nil)
    }
}
