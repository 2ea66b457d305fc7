// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerStorage

@Suite struct HostStorageTests {
    typealias Samples = StorageSamples

    private func enrol(
        _ name: String, with token: String, serial: String, replacing: Bool = false, at time: Int64 = 100,
        in storage: any StorageEngine
    ) async throws -> Enrolment {
        try await storage.enrol(
            StoredHost(name: name, labels: ["rack": "r1"], enrolled: time), Samples.certificate(serial, of: name),
            redeeming: Samples.digest(token), replacing: replacing, at: time)
    }

    @Test(arguments: Engine.allCases)
    func `a token takes one host in, once and in time`(_ engine: Engine) async throws {
        let place = try engine.place()
        do {
            let storage = try place.open()
            #expect(try await storage.addEnrolmentToken(Samples.enrolmentToken("a")))
            #expect(try await !storage.addEnrolmentToken(Samples.enrolmentToken("a")))
            #expect(try await storage.addEnrolmentToken(Samples.enrolmentToken("b", expires: 100)))
            #expect(try await enrol("h1", with: "nope", serial: "01", in: storage) == .unknownToken)
            #expect(try await enrol("h1", with: "b", serial: "01", in: storage) == .expiredToken)
            let expected = StoredHost(name: "h1", labels: ["rack": "r1"], enrolled: 100, revision: 1)
            #expect(try await enrol("h1", with: "a", serial: "01", in: storage) == .enrolled(expected))
            #expect(try await enrol("h2", with: "a", serial: "02", in: storage) == .usedToken)
        }
        let storage = try place.open()
        #expect(try await storage.host("h1")?.labels == ["rack": "r1"])
        #expect(try await storage.host("h2") == nil)
        #expect(try await storage.certificate(serial: "01") == Samples.certificate("01", of: "h1"))
        #expect(try await storage.enrolmentToken(digest: Samples.digest("a"))?.used == .init(host: "h1", at: 100))
        #expect(try await storage.enrolmentTokens(after: nil, limit: 9).elements.map(\.id) == ["a", "b"])
        #expect(try await storage.removeEnrolmentToken(id: "b"))
        #expect(try await !storage.removeEnrolmentToken(id: "b"))
    }

    @Test(arguments: Engine.allCases)
    func `of many who redeem a token at once, one gets in`(_ engine: Engine) async throws {
        let place = try engine.place()
        let storages = [try place.open(), try place.open()]
        _ = try await storages[0].addEnrolmentToken(Samples.enrolmentToken("a"))
        let enrolled = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<10 {
                group.addTask {
                    let answer = try await enrol("h\(index)", with: "a", serial: "\(index)", in: storages[index % 2])
                    guard case .enrolled = answer else { return false }
                    return true
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(enrolled == 1)
        #expect(try await storages[0].hosts(after: nil, limit: 100).elements.count == 1)
    }

    @Test(arguments: Engine.allCases)
    func `a name is taken until its host is revoked or replaced`(_ engine: Engine) async throws {
        let storage = try engine.place().open()
        for token in ["a", "b", "c", "d"] { _ = try await storage.addEnrolmentToken(Samples.enrolmentToken(token)) }
        _ = try await enrol("h1", with: "a", serial: "01", in: storage)
        #expect(try await enrol("h1", with: "b", serial: "02", in: storage) == .nameTaken)
        #expect(try await storage.enrolmentToken(digest: Samples.digest("b"))?.used == nil)
        guard case .enrolled(let again) = try await enrol("h1", with: "b", serial: "02", replacing: true, in: storage)
        else {
            Issue.record("it was not replaced")
            return
        }
        #expect(again.revision == 2)
        #expect(try await storage.certificate(serial: "01")?.revoked == 100)
        #expect(try await storage.certificate(serial: "02")?.revoked == nil)
        #expect(try await storage.revokeHost("h1", at: 200)?.revoked == nil)
        #expect(try await storage.host("h1")?.revoked == 200)
        #expect(try await storage.certificate(serial: "02")?.revoked == 200)
        #expect(try await !storage.addCertificate(Samples.certificate("03", of: "h1")))
        guard case .enrolled = try await enrol("h1", with: "c", serial: "04", in: storage) else {
            Issue.record("a revoked host cannot come back")
            return
        }
        #expect(try await storage.host("h1")?.revoked == nil)
        // A serial is never issued twice, and the token is not used up by the attempt.
        let failure = await StorageError.thrown { _ = try await enrol("h9", with: "d", serial: "04", in: storage) }
        guard case .failed = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(try await storage.enrolmentToken(digest: Samples.digest("d"))?.used == nil)
        #expect(try await storage.host("h9") == nil)
    }

    @Test(arguments: Engine.allCases)
    func `a host changes only from the revision that was read`(_ engine: Engine) async throws {
        let storage = try engine.place().open()
        _ = try await storage.addEnrolmentToken(Samples.enrolmentToken("a"))
        _ = try await enrol("h1", with: "a", serial: "01", in: storage)
        var host = try #require(try await storage.host("h1"))
        host.labels = ["rack": "r2"]
        host.facts = [1, 2, 3]
        host.isDrained = true
        host.pinnedLines = ["web", "debian"]
        let replaced = try await storage.replaceHost(host)
        #expect(replaced?.revision == 2 && replaced?.facts == [1, 2, 3])
        #expect(try await storage.replaceHost(host) == nil)
        try await storage.noteHeard(["h1": 300, "nope": 1])
        try await storage.noteHeard(["h1": 200])
        let read = try #require(try await storage.host("h1"))
        #expect(
            read.labels == ["rack": "r2"] && read.facts == [1, 2, 3] && read.lastHeard == 300 && read.revision == 2)
        #expect(read.isDrained && read.pinnedLines == ["debian", "web"])
        // That is about the host of that name, whatever becomes of its disks.
        _ = try await storage.revokeHost("h1", at: 400)
        _ = try await storage.addEnrolmentToken(Samples.enrolmentToken("b"))
        _ = try await enrol("h1", with: "b", serial: "02", in: storage)
        let again = try #require(try await storage.host("h1"))
        #expect(again.revoked == nil && again.isDrained && again.pinnedLines == ["debian", "web"])
        #expect(try await storage.revokeHost("nope", at: 1) == nil)
    }

    @Test(arguments: Engine.allCases)
    func `certificates are few, and revoked ones are listed until they expire`(_ engine: Engine) async throws {
        var limits = StorageLimits()
        limits.certificatesPerHost = 3
        let storage = try engine.place().open(limits)
        _ = try await storage.addEnrolmentToken(Samples.enrolmentToken("a"))
        _ = try await enrol("h1", with: "a", serial: "01", in: storage)
        for serial in ["02", "03"] {
            #expect(try await storage.addCertificate(Samples.certificate(serial, of: "h1", expires: 400)))
        }
        #expect(try await !storage.addCertificate(Samples.certificate("03", of: "h1")))
        #expect(try await storage.revokeCertificate(serial: "01", at: 150))
        #expect(try await storage.revokeCertificate(serial: "03", at: 150))
        #expect(try await !storage.revokeCertificate(serial: "99", at: 150))
        let early = try await Samples.all(by: 1) {
            try await storage.revokedCertificates(at: 300, after: $0, limit: $1)
        }
        #expect(early.map(\.serial) == ["01", "03"])
        #expect(try await storage.revokedCertificates(at: 400, after: nil, limit: 9).elements.map(\.serial) == ["01"])
        let full = await StorageError.thrown {
            _ = try await storage.addCertificate(Samples.certificate("04", of: "h1"))
        }
        #expect(full == .full(what: "certificates of h1", limit: 3))
        // For a day after its end one is kept, since a clock may be slow somewhere.
        let soon = StoredCertificate(serial: "05", host: "h1", issued: 86_799, expires: 90_000)
        #expect(await StorageError.thrown { _ = try await storage.addCertificate(soon) } == full)
        let late = StoredCertificate(serial: "05", host: "h1", issued: 86_800, expires: 90_000)
        #expect(try await storage.addCertificate(late))
        #expect(try await storage.certificates(of: "h1").map(\.serial) == ["01", "05"])
    }
}
