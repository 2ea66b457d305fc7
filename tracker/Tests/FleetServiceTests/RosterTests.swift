// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import SqliteStorage
import Testing
import TrackerStorage

@Suite struct RosterTests {
    @Test func `hosts are listed page by page, by labels and by state`() async throws {
        let script = try await FleetScript(hosts: 12)
        let fleet = script.fleet
        func names(_ selector: String, _ state: String = "all", limit: Int = 5) async throws -> [[String]] {
            var pages: [[String]] = []
            var next: String?
            repeat {
                let page = try await fleet.hosts(of: selector, in: state, after: next, limit: limit)
                pages.append(page.hosts.map(\.name))
                next = page.next
            } while next != nil
            return pages
        }
        // By name: h1, h10, h11, h12, h2 and so on.
        #expect(try await names("all").map(\.count) == [5, 5, 2])
        #expect(try await names("all").joined().elementsEqual((1...12).map { "h\($0)" }.sorted()))
        #expect(try await names("rack=r0", limit: 6) == [["h10", "h12", "h2", "h4", "h6", "h8"]])
        #expect(try await names("rack=r9") == [[]])
        #expect(try await fleet.hosts(after: "h3x", limit: 1).hosts.map(\.name) == ["h4"])
        await #expect(throws: FleetProblem.self) { try await fleet.hosts(after: "no name!", limit: 1) }

        script.hosts["h5"]?.isUp = false
        try await script.wait { try await names("all", "silent") == [["h5"]] }
        #expect(try await names("all", "online", limit: 100).first?.count == 11)
        let silent = try await fleet.host("h5")
        #expect(!silent.isOnline && silent.lastHeard == "2027-01-15T08:00:00Z", "\(silent)")
        #expect(silent.facts?.lines.first?.active == 6 && silent.labels == ["rack": "r1"])
        await #expect(throws: FleetProblem.self) { try await fleet.host("h13") }
        await #expect(throws: FleetProblem.self) { try await fleet.hosts(of: "rack", limit: 1) }
        await #expect(throws: FleetProblem.self) { try await fleet.hosts(in: "lost", limit: 1) }
        // It is still known after a restart.
        try await script.pass(seconds: 600)
        try await script.restart()
        let afterwards = try await script.fleet.host("h5")
        #expect(afterwards.lastHeard == silent.lastHeard && !afterwards.isOnline)
        #expect(try await script.fleet.host("h4").isOnline)
    }

    @Test func `a drained host is put aside in the middle of a rollout, and taken along again`() async throws {
        let script = try await FleetScript()
        let number = try await script.start { $0.canaries = "h1" }
        try await script.wait { try await script.fleet.status(number).phase == .canary }
        let (before, after) = try await script.fleet.drain("h3", true)
        #expect(!before.isDrained && after.isDrained)
        _ = try await script.fleet.drain("h4", true)
        #expect(try await script.fleet.why(number, "h3").code == .drained)
        try await script.wait { try await script.fleet.status(number).pause?.code == .canaryGate }
        // What operators want of it is stored, and outlives what the host says of itself.
        try await script.restart()
        try await script.poll()
        #expect(try await script.fleet.host("h3").isDrained)
        _ = try await script.fleet.drain("h3", false)
        try await script.command(.promote, number)
        try await script.wait { try await script.fleet.status(number).phase == .succeededWithExceptions }
        #expect(try await script.fleet.status(number).hosts == ["healthy": 5, "blocked": 1])
        #expect(script.hosts["h3"]?.active == 7 && script.hosts["h4"]?.active == 6)
    }

    @Test func `a host that is drained after the end does not follow the others when it comes back`() async throws {
        let script = try await FleetScript()
        script.hosts["h3"]?.isUp = false
        script.hosts["h4"]?.isUp = false
        let number = try await script.start { $0.isPromotedAutomatically = true }
        try await script.wait { try await script.fleet.status(number).phase == .succeededWithExceptions }
        _ = try await script.fleet.drain("h3", true)
        for name in ["h3", "h4"] { script.hosts[name]?.isUp = true }
        for _ in 0..<4 { try await script.poll() }
        #expect(script.hosts["h3"]?.active == 6 && script.hosts["h4"]?.active == 7)
        #expect(try await script.fleet.orders(for: "h3").orders.map(\.step) == [.nothing])
    }

    @Test func `a host is drained before it gets in touch for the first time`() async throws {
        let script = try await FleetScript(hosts: 1)
        let (storage, digest) = (try script.storage(), [UInt8](repeating: 77, count: 32))
        _ = try await storage.addEnrolmentToken(
            StoredEnrolmentToken(
                id: "t77", digest: digest, pattern: "*", creator: "ada", created: 1, expires: 1000))
        _ = try await storage.enrol(
            StoredHost(name: "late", enrolled: 2),
            StoredCertificate(serial: "077", host: "late", issued: 2, expires: 5000), redeeming: digest,
            replacing: false, at: 2)
        let late = try await script.fleet.drain("late", true).after
        #expect(late.isDrained && late.lastHeard == nil && late.facts == nil && !late.isOnline)
    }

    @Test func `what a host says and what operators want of it change the same record, and nothing is lost`()
        async throws
    {
        let script = try await FleetScript(hosts: 1)
        let fleet = script.fleet
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...20 {
                group.addTask { _ = try await fleet.pin("h1", to: "l\(number)", true) }
                group.addTask {
                    let facts = HostFacts(
                        program: "\(number)", labels: [:], freeBytes: 1, capacityBytes: 2, lines: [])
                    _ = try await fleet.take(HostNotice(reports: [], facts: facts), from: "h1")
                }
            }
            try await group.waitForAll()
        }
        let seen = try await fleet.host("h1")
        #expect(seen.pinned.count == 20)
        try await script.restart()
        let stored = try await script.fleet.host("h1")
        #expect(stored.pinned == seen.pinned && stored.facts == seen.facts)
    }

    @Test func `a pinned host stays with its version of one line`() async throws {
        let script = try await FleetScript()
        _ = try await script.fleet.pin("h2", to: "debian", true)
        _ = try await script.fleet.pin("h4", to: "web", true)
        let plan = try await script.fleet.plan(script.request())
        #expect(plan.aside.map(\.name) == ["h2"] && plan.aside.first?.code == .pinned)
        _ = try await script.fleet.pin("h2", to: "debian", false)
        #expect(try await script.fleet.plan(script.request()).aside.isEmpty)
        for number in 1...StorageLimits().pinnedLines - 1 {
            _ = try await script.fleet.pin("h4", to: "l\(number)", true)
        }
        await #expect(throws: StorageError.self) { try await script.fleet.pin("h4", to: "one-more", true) }
        #expect(try await script.fleet.host("h4").pinned.count == StorageLimits().pinnedLines)
    }
}
