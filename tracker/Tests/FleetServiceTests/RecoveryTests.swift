// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import Foundation
import Metainfo
import RolloutCore
import SqliteStorage
import TestSupport
import Testing
import TrackerStorage

/// What becomes of rollouts when processes end, copies are restored and the storage fails.
@Suite struct RecoveryTests {
    @Test func `an aborted rollout takes nobody back, and outlives the process`() async throws {
        let script = try await FleetScript()
        let old = try await script.start { $0.isPromotedAutomatically = true }
        try await script.wait { try await script.fleet.status(old).phase.isOver }
        let new = try await script.start(8)
        try await script.wait { script.hosts.values.contains { $0.active == 8 } }
        let canary = try #require(script.hosts.first { $0.value.active == 8 }?.key)
        try await script.command(.abort, new)
        let before = try #require(try await script.fleet.orders(for: canary).orders.first)
        #expect(before.step == .nothing && before.stamp.rollout == new)
        try await script.restart()
        let after = try #require(try await script.fleet.orders(for: canary).orders.first)
        #expect(after == before)
        try await script.poll()
        #expect(script.hosts[canary]?.active == 8)
        // It can still be rolled back, and then the older one counts again.
        try await script.command(.rollback, new)
        try await script.wait { try await script.fleet.status(new).phase == .rolledBack }
        #expect(script.hosts.values.allSatisfy { $0.active == 7 })
    }

    @Test func `what never began says nothing to hosts, before and after a restart`() async throws {
        let script = try await FleetScript()
        let number = try await script.start { $0.needsApproval = true }
        try await script.command(.reject, number)
        #expect(try await script.fleet.orders(for: "h1").orders.isEmpty)
        try await script.restart()
        #expect(try await script.fleet.orders(for: "h1").orders.isEmpty)
        #expect(try await script.fleet.status(number).phase == .rejected)
    }

    @Test func `an old rollout is rolled back in the epoch that holds, once, by whoever asks first`() async throws {
        let script = try await FleetScript()
        for version in 9...11 { try await script.publish("debian", version) }
        for version in 7...11 {
            let number = try await script.start(version) { $0.isPromotedAutomatically = true }
            try await script.wait { try await script.fleet.status(number).phase.isOver }
        }
        try await script.restore(epoch: "c0de")
        let fleet = script.fleet
        async let first = fleet.command(RolloutCommandRequest(.rollback), to: 1, by: "ada", key: "one")
        async let second = fleet.command(RolloutCommandRequest(.rollback), to: 1, by: "bob", key: "two")
        let phases = try await [first.phase, second.phase]
        #expect(phases.allSatisfy { [.rollingBack, .rolledBack].contains($0) })
        let rollout = try #require(try await Self.stored(1, script))
        #expect(rollout.epoch.hasSuffix("-c0de"))
        // The newest has its way on all hosts, and its orders are of the same epoch.
        for name in script.hosts.keys {
            let order = try #require(try await fleet.orders(for: name).orders.first)
            #expect(order.master.version == 11 && order.stamp.epoch == rollout.epoch)
        }
        try await script.restart()
        #expect(try await script.fleet.status(1).phase.rawValue == rollout.phase.rawValue)
    }

    @Test func `a rollout that cannot be stored keeps no other one waiting, and nothing is forgotten`() async throws {
        let script = try await FleetScript()
        try await script.publish("alpine", 1)
        let broken = try await script.start()
        let request = RolloutRequest(
            master: try #require(MasterName(name: "alpine", version: 1)), selector: "all")
        let sound = try #require(try await script.fleet.create(request, by: "ada").rollout)
        try await script.command(.start, sound)
        // Somebody else writes into the log of the first one.
        let log = try await script.storage().events(of: "\(broken)", after: 0, limit: 100)
        _ = try await script.storage().append(
            [Array("garbage".utf8)], to: "\(broken)", expecting: log.elements.count, leavingOpen: true)
        try await script.pass(seconds: 280)
        for name in ["h1", "h2", "h3", "h4", "h5"] { try await script.greet(name) }
        script.clock.pass(seconds: 30)
        await #expect(throws: (any Error).self) { try await script.fleet.sweep() }
        #expect(try await script.fleet.status(sound).hosts["deferred-offline"] == 1)
        // It counts as silent only when every rollout has taken it; and what the host says reaches the sound one.
        await #expect(throws: (any Error).self) { try await script.fleet.sweep() }
        try await script.pass(seconds: 400)
        await #expect(throws: (any Error).self) { try await script.fleet.sweep() }
        #expect(try await script.fleet.status(sound).hosts["deferred-offline"] == 6)
        try await script.greet("h2")
        #expect(try await script.fleet.status(sound).hosts["deferred-offline"] == 5)
    }

    @Test func `time in which the tracker itself was not there is held against nobody`() async throws {
        let script = try await FleetScript()
        let number = try await script.start { $0.isPromotedAutomatically = true }
        try await script.poll()
        try await script.pass(seconds: 30)
        let before = try await script.fleet.status(number)
        #expect(before.hosts["activating"] == 1)
        // Its machine was suspended, or its clock was set.
        script.clock.pass(seconds: 3600)
        try await script.fleet.sweep()
        #expect(try await script.fleet.status(number).hosts == before.hosts)
        try await script.wait { try await script.fleet.status(number).phase.isOver }
        #expect(try await script.fleet.status(number).phase == .succeeded)
        // Who stays away afterwards is missed as before.
        let next = try await script.start(8)
        for name in script.hosts.keys { script.hosts[name]?.isUp = false }
        script.clock.pass(seconds: 3600)
        try await script.pass(seconds: 280)
        #expect(try await script.fleet.status(next).hosts["deferred-offline"] == nil)
        try await script.pass(seconds: 30)
        #expect(try await script.fleet.status(next).hosts["deferred-offline"] == 6)
    }

    @Test func `what was stored although it was said not to be is read again`() async throws {
        let script = try await FleetScript()
        let number = try await script.start()
        // The same decision, by a process whose answer was lost.
        let rollout = try #require(try await Self.stored(number, script))
        let now = Instant(milliseconds: script.clock.now)
        let events = try rollout.decide(
            .command(.pause), at: now, order: rollout.latestOrder + 100, by: .operator(name: "ada"), request: "one")
        _ = try await script.storage().append(
            events.map { Array(try JSONEncoder().encode($0)) }, to: "\(number)", expecting: Int(rollout.sequence),
            leavingOpen: true)
        let pause = RolloutCommandRequest(.pause)
        await #expect(throws: StorageError.self) {
            try await script.fleet.command(pause, to: number, by: "ada", key: "one")
        }
        let status = try await script.fleet.command(pause, to: number, by: "ada", key: "one")
        #expect(status.pause?.code == .operator)
        #expect(try await script.storage().rollout("\(number)")?.sequence == Int(rollout.sequence) + events.count)
    }

    @Test func `what a host said before the process ended reaches its rollouts afterwards`() async throws {
        let script = try await FleetScript()
        let number = try await script.start()
        let storage = try script.storage()
        // Stored, and no more; and a host is shut out while nobody looks.
        var host = try #require(try await storage.host("h2"))
        var facts = try JSONDecoder().decode(HostFacts.self, from: Data(host.facts))
        facts.lines[0].denied = [7]
        host.facts = Array(try JSONEncoder().encode(facts))
        #expect(try await storage.replaceHost(host) != nil)
        _ = try await storage.revokeHost("h5", at: 10)
        try await script.restart()
        let status = try await script.fleet.status(number)
        #expect(status.hosts["left"] == 1 && status.hosts["blocked"] == 1)
    }

    @Test func `the storage has room for the largest rollout`() async throws {
        let folder = try TemporaryDirectory()
        let storage = try SqliteStorage(path: folder.path + "/tracker.sqlite")
        let long = String(repeating: "h", count: 253 - 6)
        let fleet = try (0..<RolloutLimits.hosts).map { number in
            FleetHost(
                name: try #require(HostName(long + String(100_000 + number))), active: .max, held: [],
                freeBytes: .max, capacityBytes: 1)
        }
        let master = try #require(MasterReference(line: "debian", version: 7, infoHash: "00ff"))
        let target = RolloutTarget(master: master, imageBytes: 10 << 30, selector: .all)
        let plan = RolloutPlanner(target: target, settings: RolloutSettings()).plan(fleet)
        var now = Instant(milliseconds: 1_800_000_000_000)
        var log = try Rollout.create(
            number: 1, epoch: "1-5f2a", plan: plan, seed: 1, order: 1, at: now, by: .operator(name: "ada"))
        var rollout = try #require(try Rollout.fold(log))
        log += try rollout.take(.command(.start), at: now, order: 2, by: .operator(name: "ada"))
        var stored = try await storage.append(
            log.map { Array(try JSONEncoder().encode($0)) }, to: "1", expecting: 0, leavingOpen: true)
        // All of them are late at once.
        now = try #require(rollout.nextDeadline)
        let late = try rollout.take(.tick, at: now, order: 3)
        #expect(rollout.summary.counts[.timedOut] == RolloutLimits.hosts)
        stored = try await storage.append(
            late.map { Array(try JSONEncoder().encode($0)) }, to: "1", expecting: stored, leavingOpen: true)
        var read: [RolloutEvent] = []
        var after: Int? = 0
        while let start = after {
            let page = try await storage.events(of: "1", after: start, limit: StorageLimits.page)
            read += try page.elements.map { try JSONDecoder().decode(RolloutEvent.self, from: Data($0.bytes)) }
            after = page.next
        }
        #expect(read.count == stored)
        #expect(try Rollout.fold(read) == rollout)
        let most = RolloutLimits.hosts * RolloutLimits.eventsPerHost + RolloutLimits.eventsBesides
        #expect(StorageLimits().events > most)
    }

    private static func stored(_ number: UInt64, _ script: FleetScript) async throws -> Rollout? {
        let events = try await script.storage().events(of: "\(number)", after: 0, limit: 1000)
        return try Rollout.fold(
            events.elements.map { try JSONDecoder().decode(RolloutEvent.self, from: Data($0.bytes)) })
    }
}
