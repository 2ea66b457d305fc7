// SPDX-License-Identifier: Apache-2.0

import OperatorAccess
import Testing
import TrackerStorage

@Suite struct OperatorStorageTests {
    typealias Samples = StorageSamples

    @Test(arguments: Engine.allCases)
    func `a token is kept as it was made, listed, and withdrawn for good`(_ engine: Engine) async throws {
        let place = try engine.place()
        let tokens = try (1...5).map { try Samples.token(UInt8($0), roles: [.publisher, .operator]) }
        do {
            let storage = try place.open()
            for token in tokens {
                #expect(try await storage.addToken(token, usingUp: nil))
                #expect(try await !storage.addToken(token, usingUp: nil))
            }
        }
        let storage = try place.open()
        #expect(try await storage.token(id: tokens[0].id) == tokens[0])
        #expect(try await storage.token(id: "nope") == nil)
        let listed = try await Samples.all(by: 2) { try await storage.tokens(after: $0, limit: $1) }
        #expect(listed == tokens.sorted { $0.id < $1.id })
        #expect(try await storage.revokeToken(id: tokens[0].id, at: 50) == tokens[0])
        #expect(try await storage.revokeToken(id: tokens[0].id, at: 60)?.revoked == 50)
        #expect(try await storage.token(id: tokens[0].id)?.revoked == 50)
        #expect(try await storage.revokeToken(id: "nope", at: 60) == nil)
    }

    @Test(arguments: Engine.allCases)
    func `a one-time token makes one token, whoever is fastest`(_ engine: Engine) async throws {
        let place = try engine.place()
        let storages = [try place.open(), try place.open()]
        let once = try Samples.token(100, oneTime: true)
        #expect(try await storages[0].addToken(once, usingUp: nil))
        let made = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<10 {
                group.addTask {
                    try await storages[index % 2].addToken(StorageSamples.token(UInt8(index)), usingUp: once.id)
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 1)
        #expect(try await storages[1].tokens(after: nil, limit: 100).elements.count == 2)
        #expect(try await storages[1].token(id: once.id)?.revoked != nil)
    }

    @Test(arguments: Engine.allCases)
    func `a one-time token that is expired, withdrawn, unknown or none makes nothing`(_ engine: Engine) async throws {
        let storage = try engine.place().open()
        let expired = try Samples.token(1, oneTime: true, expires: 10)
        let withdrawn = try Samples.token(2, oneTime: true)
        let lasting = try Samples.token(3)
        for token in [expired, withdrawn, lasting] { #expect(try await storage.addToken(token, usingUp: nil)) }
        _ = try await storage.revokeToken(id: withdrawn.id, at: 5)
        for id in [expired.id, withdrawn.id, lasting.id, "nope"] {
            #expect(try await !storage.addToken(Samples.token(9), usingUp: id))
        }
        #expect(try await storage.tokens(after: nil, limit: 100).elements.count == 3)
    }
}
