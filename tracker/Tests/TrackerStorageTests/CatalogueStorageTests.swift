// SPDX-License-Identifier: Apache-2.0

import Metainfo
import Testing
import TrackerProtocol
import TrackerStorage

@Suite struct CatalogueStorageTests {
    typealias Samples = StorageSamples

    @Test(arguments: Engine.allCases)
    func `a master is written once, and found again after opening anew`(_ engine: Engine) async throws {
        let place = try engine.place()
        let entry = Samples.master()
        do {
            let storage = try place.open()
            #expect(try await storage.publish(entry, torrent: [1, 2]) == .created(entry))
            var later = entry
            later.label = nil
            #expect(try await storage.publish(later, torrent: [3]) == .unchanged(entry))
            later.infoHashV2 = "b"
            #expect(try await storage.publish(later, torrent: [3]) == .conflict(entry))
        }
        let storage = try place.open()
        #expect(try await storage.master(Samples.name("debian", 1)) == entry)
        #expect(try await storage.torrent(of: Samples.name("debian", 1)) == [1, 2])
        #expect(try await storage.master(Samples.name("debian", 2)) == nil)
        #expect(try await storage.newestMaster(of: "debian") == entry)
        #expect(try await storage.newestMaster(of: "nope") == nil)
    }

    @Test(arguments: Engine.allCases)
    func `masters are listed by name and version, in pages of any length`(_ engine: Engine) async throws {
        let storage = try engine.place().open()
        for version in [10, 2, 9, 1] {
            for name in ["web", "db"] {
                _ = try await storage.publish(Samples.master(name, version), torrent: [0])
            }
        }
        let expected = ["db", "web"].flatMap { name in [1, 2, 9, 10].map { "\(name)@\($0)" } }
        for limit in [1, 3, 8, 100] {
            let listed = try await Samples.all(by: limit) { try await storage.masters(after: $0, limit: $1) }
            #expect(listed.map { "\($0.name)@\($0.version)" } == expected)
        }
        #expect(try await storage.masters(after: nil, limit: -1).elements.count == 1)
    }

    @Test(arguments: Engine.allCases)
    func `limits refuse what is new and keep what is there`(_ engine: Engine) async throws {
        var limits = StorageLimits()
        limits.masters = 1
        limits.torrentByteCount = 4
        let storage = try engine.place().open(limits)
        let tooLong = await StorageError.thrown {
            _ = try await storage.publish(Samples.master(), torrent: [UInt8](repeating: 0, count: 5))
        }
        #expect(tooLong == .tooLarge(what: "torrent", limit: 4))
        _ = try await storage.publish(Samples.master(), torrent: [0])
        let full = await StorageError.thrown { _ = try await storage.publish(Samples.master("web"), torrent: [0]) }
        #expect(full == .full(what: "masters", limit: 1))
        #expect(try await storage.publish(Samples.master(), torrent: [0]) == .unchanged(Samples.master()))
    }

    @Test(arguments: Engine.allCases)
    func `an envelope takes the place of the one that was read, and of no other`(_ engine: Engine) async throws {
        let storage = try engine.place().open()
        let subjects: [SignedSubject] = [.master(try Samples.name("debian", 1)), .line("debian")]
        for subject in subjects {
            #expect(try await !storage.replaceEnvelope(of: subject, nil, with: [1]))
        }
        _ = try await storage.publish(Samples.master(), torrent: [0])
        for subject in subjects {
            #expect(try await storage.envelope(of: subject) == nil)
            #expect(try await !storage.replaceEnvelope(of: subject, [9], with: [1]))
            #expect(try await storage.replaceEnvelope(of: subject, nil, with: [1]))
            #expect(try await !storage.replaceEnvelope(of: subject, nil, with: [2]))
            #expect(try await storage.replaceEnvelope(of: subject, [1], with: [3]))
            #expect(try await storage.envelope(of: subject) == [3])
        }
    }

    @Test(arguments: Engine.allCases)
    func `of many who publish different content at once, one gets the version`(_ engine: Engine) async throws {
        let place = try engine.place()
        let storages = [try place.open(), try place.open()]
        let created = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<20 {
                group.addTask {
                    let entry = StorageSamples.master(content: "\(index)")
                    guard case .created = try await storages[index % 2].publish(entry, torrent: [UInt8(index)]) else {
                        return false
                    }
                    return true
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(created == 1)
    }
}
