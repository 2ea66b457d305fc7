// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import Metainfo
import SqliteStorage
import TestSupport
import Testing
import TrackerStorage
import Trust

/// What holds or ends a rollout from outside.
@Suite struct OutsideTests {
    private let key: SigningKey
    private let root: TrustRoot

    init() throws {
        key = try #require(SigningKey(seed: [UInt8](repeating: 7, count: 32)))
        root = TrustRoot(
            serial: 1, threshold: 1, keys: [TrustRoot.Publisher(name: "alice", key: try #require(key.publicKey))])
    }

    @Test func `activation goes on while a window is open, and waits where none is`() async throws {
        let script = try await FleetScript()
        // The script begins on a Friday at 08:00.
        let number = try await script.start {
            $0.windows = "fri 08:30-08:40,fri 09:00-12:00"
            $0.isPromotedAutomatically = true
        }
        var status = try await script.fleet.status(number)
        #expect(status.phase == .staging && status.pause == nil)
        #expect(try await script.fleet.orders(for: "h1").orders.map(\.step) == [.stage])
        try await script.poll()
        status = try await script.fleet.status(number)
        #expect(status.hosts == ["staged": 6] && status.pause?.code == .windowClosed)
        #expect(try await script.fleet.why(number, "h1").code == .windowClosed)
        try await script.wait { script.hosts.values.contains { $0.active == 7 } }
        #expect((1_800_001_800_000..<1_800_002_400_000).contains(script.clock.now))
        try await script.wait { try await script.fleet.status(number).pause?.code == .windowClosed }
        for _ in 0..<15 {
            script.clock.pass(seconds: 60)
            try await script.poll()
            try await script.fleet.sweep()
        }
        status = try await script.fleet.status(number)
        #expect(status.pause?.code == .windowClosed && status.hosts["healthy"] == 1)
        try await script.restart()
        #expect(script.hosts.values.count { $0.active == 7 } == 1)
        try await script.wait { try await script.fleet.status(number).phase.isOver }
        #expect(try await script.fleet.status(number).phase == .succeeded)
        #expect(script.clock.now > 1_800_003_600_000)
        await #expect(throws: FleetProblem.self) { try await script.start { $0.windows = "weekends" } }
    }

    @Test func `a window that closes while the tracker is away holds, and costs nobody the time it was away`()
        async throws
    {
        let script = try await FleetScript()
        let number = try await script.start {
            $0.windows = "fri 07:00-09:00"
            $0.isPromotedAutomatically = true
        }
        try await script.wait { try await script.fleet.status(number).hosts["soaking"] == 1 }
        script.clock.pass(seconds: 7200)
        try await script.restart()
        var status = try await script.fleet.status(number)
        #expect(status.pause?.code == .windowClosed && status.hosts["timed-out"] == nil)
        try await script.poll()
        try await script.fleet.sweep()
        status = try await script.fleet.status(number)
        #expect(status.hosts == ["healthy": 1, "staged": 5])
    }

    @Test func `a statement that expires holds activation until there is a newer one`() async throws {
        let script = try await FleetScript()
        try await script.restart(root: root)
        let until = script.clock.now / 1000 + 300
        try await file(statement(until: until), in: script)
        let number = try await script.start { $0.isPromotedAutomatically = true }
        try await script.wait { try await script.fleet.status(number).pause?.code == .trustExpired }
        // What strangers say changes nothing.
        let stranger = try #require(SigningKey(seed: [UInt8](repeating: 9, count: 32)))
        try await file(statement(until: until + 90_000), by: stranger, in: script)
        script.clock.pass(seconds: 60)
        try await script.poll()
        try await script.fleet.sweep()
        #expect(try await script.fleet.status(number).pause?.code == .trustExpired)
        try await file(statement(until: until + 90_000), in: script)
        try await script.wait { try await script.fleet.status(number).phase.isOver }
        #expect(try await script.fleet.status(number).phase == .succeeded)
    }

    @Test func `a plan knows the smallest version that a master may follow, as its publishers signed it`() async throws
    {
        let script = try await FleetScript()
        script.hosts["h2"]?.active = 5
        script.hosts["h2"]?.held = [5]
        try await script.restart(root: root)
        try await script.poll()
        var signed = try statement(until: script.clock.now / 1000 + 90_000)
        signed.follows = 6
        let stranger = try #require(SigningKey(seed: [UInt8](repeating: 9, count: 32)))
        try await file(signed, by: stranger, in: script)
        #expect(try await script.fleet.plan(try script.request()).aside.isEmpty)
        try await file(signed, in: script)
        let plan = try await script.fleet.plan(try script.request())
        #expect(plan.aside.map(\.name) == ["h2"] && plan.aside.map(\.code) == [.incompatible])
        // Of other content it says nothing.
        signed.infoHashV2 = String(repeating: "71", count: 32)
        try await file(signed, in: script)
        #expect(try await script.fleet.plan(try script.request()).aside.isEmpty)
    }

    @Test func `a master that its publishers withdraw is left, and strangers cannot withdraw it`() async throws {
        let script = try await FleetScript()
        try await script.restart(root: root)
        let number = try await script.start()
        try await script.wait { try await script.fleet.status(number).pause?.code == .canaryGate }
        let pointer = LinePointer(
            name: "debian", serial: 1, current: nil, overrules: nil, revoked: [7], created: 0, expires: 2_000_000_000)
        let stranger = try #require(SigningKey(seed: [UInt8](repeating: 9, count: 32)))
        try await file(pointer, by: stranger, in: script)
        script.clock.pass(seconds: 60)
        try await script.poll()
        try await script.fleet.sweep()
        #expect(try await script.fleet.status(number).phase == .canary)
        try await file(pointer, in: script)
        try await script.wait { try await script.fleet.status(number).phase == .rolledBack }
        #expect(script.hosts.values.allSatisfy { $0.active == 6 })
    }

    @Test func `a host that is shut out leaves its rollouts`() async throws {
        let script = try await FleetScript()
        let number = try await script.start { $0.isPromotedAutomatically = true }
        // By another process.
        _ = try await script.storage().revokeHost("h5", at: 10)
        script.hosts["h5"]?.isUp = false
        script.clock.pass(seconds: 60)
        try await script.fleet.sweep()
        #expect(try await script.fleet.status(number).hosts["left"] == 1)
        await #expect(throws: FleetProblem.self) { try await script.greet("h5") }
        try await script.wait { try await script.fleet.status(number).phase.isOver }
        #expect(try await script.fleet.status(number).phase == .succeeded)
    }

    private func statement(until expires: Int64) throws -> MasterStatement {
        MasterStatement(
            name: try #require(MasterName(name: "debian", version: 7)),
            infoHashV2: try #require(SHA256Digest(hexadecimal: String(repeating: "70", count: 32))), size: 10 << 30,
            created: 100, expires: expires)
    }

    private func file(_ statement: some SignedStatement, by signer: SigningKey? = nil, in script: FleetScript)
        async throws
    {
        var envelope = try SignedEnvelope(statement)
        try envelope.sign(with: signer ?? key)
        let subject: SignedSubject =
            statement is LinePointer
            ? .line("debian") : .master(try #require(MasterName(name: "debian", version: 7)))
        let storage = try script.storage()
        let known = try await storage.envelope(of: subject)
        #expect(try await storage.replaceEnvelope(of: subject, known, with: Array(envelope.json)))
    }
}
