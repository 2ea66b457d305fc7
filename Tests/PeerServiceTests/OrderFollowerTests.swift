// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import Foundation
import Metainfo
import PeerService
import Testing
import Trust

/// What a running peer does for the orders of its tracker: real store, real images, real HTTP.
@Suite(.timeLimit(.minutes(4)), .serialized)
struct OrderFollowerTests {
    @Test func `a host stages, activates and goes back as it is told, and says each of it`() async throws {
        try await OrderedHost.run { host in
            try await host.eventually("the tracker knows the host") {
                host.tracker.now.notices.contains { $0.facts?.lines.first?.active == 1 }
            }
            host.tracker.order(.stage, try host.master(2))
            _ = try await host.told(.staged, of: 2)
            #expect(try await host.masters() == ["base@1", "base@2"])
            #expect(try await host.active() == 1)
            host.tracker.order(.activate, try host.master(2), previous: 1)
            _ = try await host.told(.healthy, of: 2)
            #expect(try await host.active() == 2)
            #expect(host.tracker.now.notices.contains { $0.facts?.lines.first?.active == 2 })
            host.tracker.order(.rollBack, try host.master(2), previous: 1)
            _ = try await host.told(.rolledBack, of: 2)
            #expect(try await host.active() == 1)
            // It is remembered as bad.
            host.tracker.order(.activate, try host.master(2), previous: 1)
            try await host.eventually("the order is seen") {
                host.tracker.report?.stamp.order == host.tracker.now.orders.orders.first?.stamp.order
            }
            #expect(host.tracker.report?.state == .rolledBack)
            #expect(try await host.active() == 1)
        }
    }

    @Test func `staging changes nothing that a bare name means, also where no version was ever activated`() async throws
    {
        try await OrderedHost.run(activates: false) { host in
            #expect(try await host.meant() == 1)
            host.tracker.order(.stage, try host.master(2))
            _ = try await host.told(.staged, of: 2)
            #expect(try await host.meant() == 1)
            host.tracker.order(.activate, try host.master(2))
            _ = try await host.told(.healthy, of: 2)
            #expect(try await host.meant() == 2)
            // There was no pointer before, so that none is left.
            host.tracker.order(.rollBack, try host.master(2))
            _ = try await host.told(.rolledBack, of: 2)
            #expect(try await host.meant() == 1)
            try await host.publish(3)
            host.tracker.order(.stage, try host.master(3))
            _ = try await host.told(.staged, of: 3)
            #expect(try await host.meant() == 1)
        }
    }

    @Test func `what is staged takes its part of the link`() async throws {
        try await OrderedHost.run { host in
            // 10 MB/s for everything, of which staging gets a tenth: 3 MiB take three seconds instead of a third of one.
            _ = try await host.peer.perform(.limit(up: nil, down: "80M")) { _ in }
            let start = ContinuousClock.now
            host.tracker.order(.stage, try host.master(2), linkPercent: 10)
            _ = try await host.told(.staged, of: 2)
            #expect(start.duration(to: .now) > .seconds(1))
            #expect(try await host.masters() == ["base@1", "base@2"])
        }
    }

    @Test func `a probe goes on after a restart with the tracker gone, and is told when it is back`() async throws {
        let gate = NSTemporaryDirectory() + "drover-gate-\(UInt64.random(in: 0...(.max)))"
        let script = gate + ".sh"
        try "#!/bin/sh\nuntil [ -e \(gate) ]; do sleep 0.05; done\n".write(
            toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        defer { for path in [gate, script] { try? FileManager.default.removeItem(atPath: path) } }
        try await OrderedHost.run(configure: { $0.probe = .init(goal: .init(command: [script])) }) { host in
            host.tracker.order(.activate, try host.master(2), previous: 1, probed: true)
            _ = try await host.told(.activated, of: 2)
            #expect(try await host.active() == 2)
            await host.stop()
            host.tracker.change {
                $0.habit = .fails
                $0.notices = []
            }
            try await host.start()
            try await host.eventually("the tracker is missed") { try await host.orders().problem != nil }
            #expect(try await host.orders().lines.map(\.phase) == ["probing"])
            _ = FileManager.default.createFile(atPath: gate, contents: nil)
            try await host.eventually("the probe is passed") { try await host.orders().lines.first?.phase == "probed" }
            host.tracker.change { $0.habit = .good }
            _ = try await host.told(.probePassed, of: 2)
            #expect(try await host.orders().problem == nil)
        }
    }

    @Test func `a probe that fails is told with its log`() async throws {
        let script = NSTemporaryDirectory() + "drover-probe-\(UInt64.random(in: 0...(.max))).sh"
        try "#!/bin/sh\necho no root file system\nexit 1\n".write(toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        defer { try? FileManager.default.removeItem(atPath: script) }
        try await OrderedHost.run(configure: { $0.probe = .init(goal: .init(command: [script])) }) { host in
            host.tracker.order(.activate, try host.master(2), previous: 1, probed: true)
            let report = try await host.told(.probeFailed, of: 2)
            #expect(report.code == .probeFailed && report.log?.contains("no root file system") == true)
        }
    }

    @Test func `a name that is taken by other content is left alone, and the order fails`() async throws {
        try await OrderedHost.run { host in
            host.tracker.order(.stage, try host.master(1), infoHash: String(repeating: "ab", count: 32))
            let report = try await host.told(.failed, of: 1)
            #expect(report.code == .registerFailed && report.log?.contains("other content") == true)
            #expect(try await host.active() == 1)
        }
    }

    @Test func `what the catalogue has is not fetched when it is not what was ordered`() async throws {
        try await OrderedHost.run { host in
            host.tracker.order(.stage, try host.master(2), infoHash: String(repeating: "ab", count: 32))
            let report = try await host.told(.failed, of: 2)
            #expect(report.code == .untrusted)
            #expect(try await host.masters() == ["base@1"])
        }
    }

    @Test func `a tracker with other data is followed only after somebody has said so`() async throws {
        try await OrderedHost.run { host in
            host.tracker.order(.stage, try host.master(2))
            _ = try await host.told(.staged, of: 2)
            host.tracker.order(.activate, try host.master(2), previous: 1, epoch: "2-b")
            let report = try await host.told(.refused, of: 2)
            #expect(report.code == .epochChanged)
            #expect(try await host.active() == 1)
            #expect(try await host.orders().strangeEpoch == "2-b")
            await #expect(throws: HostFailure.self) {
                _ = try await host.peer.perform(.trustEpoch("3-c")) { _ in }
            }
            _ = try await host.peer.perform(.trustEpoch("2-b")) { _ in }
            _ = try await host.told(.healthy, of: 2)
            #expect(try await host.orders().epoch == "2-b")
            #expect(try await host.active() == 2)
        }
    }

    @Test(arguments: [PlayedTracker.Habit.fails, .babbles])
    func `a tracker that gives no orders changes nothing, and makes no storm`(_ habit: PlayedTracker.Habit) async throws
    {
        try await OrderedHost.run { host in
            host.tracker.order(.stage, try host.master(2))
            _ = try await host.told(.staged, of: 2)
            let before = try await host.orders().lines
            host.tracker.change { $0.habit = habit }
            try await host.eventually("the failure is seen") { try await host.orders().problem != nil }
            #expect(try await host.orders().lines == before)
            host.tracker.change { $0.questions = 0 }
            // A second or more until the next attempt, and twice as long until the one after.
            let start = ContinuousClock.now
            try await host.eventually("it asks again") { host.tracker.now.questions >= 2 }
            #expect(start.duration(to: .now) > .seconds(1))
        }
    }

    @Test func `a newer version takes the place of one that is still coming`() async throws {
        try await OrderedHost.run { host in
            // Nobody has its bytes.
            try await host.publish(3)
            host.tracker.change { state in
                guard let master = state.masters["base@3"] else { return }
                state.masters["base@3"] = .init(published: master.published, torrent: master.torrent, image: [])
            }
            host.tracker.order(.stage, try host.master(3))
            _ = try await host.told(.staging, of: 3)
            host.tracker.order(.stage, try host.master(2))
            _ = try await host.told(.staged, of: 2)
            #expect(try await host.masters() == ["base@1", "base@2"])
            #expect(FileManager.default.fileExists(atPath: host.store + "/partial/base@3.raw") == false)
        }
    }

    @Test func `a rollback by hand is told to the tracker`() async throws {
        try await OrderedHost.run { host in
            host.tracker.order(.activate, try host.master(2), previous: 1)
            _ = try await host.told(.healthy, of: 2)
            _ = try await host.peer.perform(.rollBack(line: "base", reason: "it does not print")) { _ in }
            _ = try await host.told(.rolledBack, of: 2)
            #expect(try await host.active() == 1)
        }
    }

    @Test func `what happens while orders cannot be kept is not forgotten`() async throws {
        let gate = NSTemporaryDirectory() + "drover-gate-\(UInt64.random(in: 0...(.max)))"
        let script = gate + ".sh"
        try "#!/bin/sh\nuntil [ -e \(gate) ]; do sleep 0.05; done\n".write(
            toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        defer { for path in [gate, script] { try? FileManager.default.removeItem(atPath: path) } }
        try await OrderedHost.run(configure: { $0.probe = .init(goal: .init(command: [script])) }) { host in
            host.tracker.order(.activate, try host.master(2), previous: 1, probed: true)
            _ = try await host.told(.activated, of: 2)
            // Nothing takes the place of a folder with something in it, as nothing is written to a full disk.
            let orders = host.store + "/orders.json"
            try FileManager.default.moveItem(atPath: orders, toPath: orders + ".before")
            try FileManager.default.createDirectory(atPath: orders + "/full", withIntermediateDirectories: true)
            _ = FileManager.default.createFile(atPath: gate, contents: nil)
            try await host.eventually("it is not kept") { try await host.orders().problem?.contains(orders) == true }
            #expect(try await host.orders().lines.map(\.phase) == ["probing"])
            try FileManager.default.removeItem(atPath: orders)
            _ = try await host.told(.probePassed, of: 2)
            #expect(try await host.orders().lines.map(\.phase) == ["probed"])
        }
    }

    @Test func `a tracker that was away is told all the facts again`() async throws {
        try await OrderedHost.run { host in
            // So seldom that no report falls into the time in which it is away.
            host.tracker.change {
                $0.orders = HostOrders(tag: "seldom", orders: [], contactSeconds: 120)
                $0.notices = []
            }
            try await host.eventually("the last report for a while") { !host.tracker.now.notices.isEmpty }
            host.tracker.change {
                $0.habit = .fails
                $0.notices = []
            }
            try await host.eventually("the failure is seen") { try await host.orders().problem != nil }
            host.tracker.change { $0.habit = .good }
            try await host.eventually("the facts are told") { host.tracker.now.notices.contains { $0.facts != nil } }
        }
    }

    @Test func `a host says what runs its machines, unless its operator does`() async throws {
        try await OrderedHost.run { host in
            let words = ["kvm", "xen", "virtualbox", "qemu"]
            try await host.eventually("the tracker knows what runs machines") {
                host.tracker.now.notices.contains { words.contains($0.facts?.labels["hypervisor"] ?? "") }
            }
        }
        try await OrderedHost.run(configure: { $0.labels = ["hypervisor": "bhyve", "rack": "r1"] }) { host in
            try await host.eventually("the tracker knows the labels") {
                host.tracker.now.notices.contains { $0.facts?.labels == ["hypervisor": "bhyve", "rack": "r1"] }
            }
        }
    }

    @Test func `a catalogue that is busy is waited for, and one that lets nobody in can be tried again`() async throws {
        try await OrderedHost.run { host in
            host.tracker.change { $0.catalogueRefusals = [503, 500] }
            host.tracker.order(.stage, try host.master(2))
            _ = try await host.told(.staged, of: 2)
            try await host.publish(3)
            host.tracker.change { $0.catalogueRefusals = [403] }
            host.tracker.order(.stage, try host.master(3))
            let report = try await host.told(.failed, of: 3)
            #expect(report.code == .networkFailed)
        }
    }

    @Test func `a tracker leads a host with pinned publishers back to what was active before, and no further`()
        async throws
    {
        try await OrderedHost.run { host in
            for version in 2...4 {
                if version > 2 { try await host.publish(version) }
                try await host.fetch(version)
                try await host.activateByHand(version)
            }
            let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
            let root = TrustRoot(
                serial: 1, threshold: 1, keys: [.init(name: "ada", key: try #require(key.publicKey))])
            var envelope = try SignedEnvelope(root)
            try envelope.sign(with: key)
            _ = try await host.peer.perform(.pinTrust(Data(envelope.json))) { _ in }
            // It is held and sound, and nobody has signed it.
            host.tracker.order(.rollBack, try host.master(4), previous: 1)
            let report = try await host.told(.failed, of: 4)
            #expect(report.code == .nothingToReturnTo)
            #expect(try await host.active() == 4)
            host.tracker.order(.rollBack, try host.master(4), previous: 3)
            _ = try await host.told(.rolledBack, of: 4)
            #expect(try await host.active() == 3)
        }
    }

    @Test func `what a host says fits, however much there is to say`() throws {
        let master = try #require(MasterName(name: "base", version: 1))
        let stamp = OrderStamp(epoch: "1-a", rollout: 1, order: 1)
        let log = String(repeating: "\u{1}", count: FleetLimits.logBytes)
        let versions = Array(1...FleetLimits.versions)
        let line = HostFacts.LineFacts(
            name: "base", active: 256, held: versions, denied: versions,
            clones: versions.map { .init(version: $0, count: 1_000_000) })
        let notice = HostNotice(
            reports: (0..<20).map { _ in HostReport(stamp: stamp, master: master, state: .failed, log: log) },
            facts: HostFacts(
                program: "1", labels: [:], freeBytes: 1, capacityBytes: 2,
                lines: Array(repeating: line, count: FleetLimits.lines)))
        let bytes = try notice.fitted()
        #expect(bytes.count <= FleetLimits.hostDocumentBytes)
        let read = try JSONDecoder().decode(HostNotice.self, from: Data(bytes))
        #expect(read.reports.count == 20 && read.reports.allSatisfy { $0.log?.isEmpty == false })
        #expect(read.facts?.lines.first?.held.last == 256)
        #expect(try JSONEncoder().encode(read.facts).count <= FleetLimits.factsBytes)
    }
}
