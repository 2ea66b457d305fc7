// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import FleetService
import Metainfo
import SqliteStorage
import TestSupport
import Testing
import TrackerProtocol
import TrackerStorage

@Suite struct FleetTests {
    @Test func `a rollout is planned, staged, tried, promoted and finished`() async throws {
        let script = try await FleetScript()
        let plan = try await script.fleet.plan(try script.request())
        #expect(plan.rollout == nil && plan.problems.isEmpty && plan.bytesToMove == 60 << 30)
        #expect(plan.waves.joined().count == 6 && plan.waves[0].count == 1)
        let number = try await script.start()
        try await script.wait { try await script.fleet.status(number).pause?.code == .canaryGate }
        #expect(script.hosts.values.count { $0.active == 7 } == 1)
        try await script.command(.promote, number)
        try await script.wait { try await script.fleet.status(number).phase.isOver }
        let status = try await script.fleet.status(number)
        #expect(status.phase == .succeeded && status.hosts == ["healthy": 6])
        #expect(status.clones == ["6": 12, "7": 12])
        #expect(script.hosts.values.allSatisfy { $0.active == 7 })
        let list = try await script.fleet.list()
        #expect(list.rollouts.map(\.phase) == [.succeeded] && list.next == nil)
    }

    /// The number of a host's order is the same from its activation to the end of its probe.
    @Test func `a canary probes once, hears that this is known, and the fleet follows`() async throws {
        let script = try await FleetScript()
        let number = try await script.start { $0.isPromotedAutomatically = true }
        try await script.wait { try await script.fleet.status(number).phase.isOver }
        #expect(try await script.fleet.status(number).phase == .succeeded)
        #expect(script.hosts.values.map { $0.begun[.probe] ?? 0 }.sorted() == [0, 0, 0, 0, 0, 1])
        #expect(script.hosts.values.allSatisfy { $0.begun[.stage] == 1 && $0.begun[.activate] == 1 })
    }

    @Test func `a canary whose probe fails stops the fleet, goes back, and may be tried again`() async throws {
        let script = try await FleetScript()
        for name in script.hosts.keys { script.hosts[name]?.failing[.probe] = .probeFailed }
        let number = try await script.start { $0.isPromotedAutomatically = true }
        try await script.wait { script.hosts.values.contains { $0.denied.contains(7) } }
        #expect(try await script.fleet.status(number).pause?.code == .errorThreshold)
        let canary = try #require(script.hosts.first { $0.value.denied.contains(7) }?.key)
        #expect(script.hosts[canary]?.active == 6 && script.hosts[canary]?.begun[.probe] == 1)
        #expect(script.hosts.values.count { $0.begun[.activate] == nil } == 5)
        for name in script.hosts.keys { script.hosts[name]?.failing = [:] }
        try await script.command(.retry, number, host: canary)
        try await script.command(.resume, number)
        try await script.wait { try await script.fleet.status(number).phase.isOver }
        #expect(try await script.fleet.status(number).phase == .succeeded)
        #expect(script.hosts.values.allSatisfy { $0.active == 7 })
    }

    @Test func `a host that goes back by itself is told apart, and is not brought forward behind its back`()
        async throws
    {
        let script = try await FleetScript()
        let number = try await script.start { $0.isPromotedAutomatically = true }
        try await script.wait { try await script.fleet.status(number).phase.isOver }
        script.hosts["h2"]?.active = 6
        script.hosts["h2"]?.denied = [7]
        for _ in 0..<3 { try await script.poll() }
        #expect(try await script.fleet.why(number, "h2").state == "rolled-back")
        #expect(script.hosts["h2"]?.active == 6)
    }

    @Test func `what was decided outlives the process at any moment`() async throws {
        let script = try await FleetScript()
        let number = try await script.start { $0.isPromotedAutomatically = true }
        for _ in 0..<40 where try await !script.fleet.status(number).phase.isOver {
            script.clock.pass(seconds: 60)
            try await script.poll()
            try await script.fleet.sweep()
            let before = try await script.fleet.status(number)
            let orders = try await script.fleet.orders(for: "h3")
            try await script.restart()
            let after = try await script.fleet.status(number)
            #expect(after.phase == before.phase && after.hosts == before.hosts && after.wave == before.wave)
            #expect(try await script.fleet.orders(for: "h3") == orders)
        }
        #expect(try await script.fleet.status(number).phase == .succeeded)
    }

    @Test func `a newer rollout takes the place of one that is under way`() async throws {
        let script = try await FleetScript()
        let old = try await script.start()
        try await script.wait { try await script.fleet.status(old).pause?.code == .canaryGate }
        let new = try await script.start(8) { $0.isPromotedAutomatically = true }
        #expect(try await script.fleet.status(old).phase == .superseded)
        try await script.wait { try await script.fleet.status(new).phase.isOver }
        #expect(script.hosts.values.allSatisfy { $0.active == 8 })
        // The old one can be rolled back, and the new one has its way.
        try await script.command(.rollback, old)
        try await script.wait { try await script.fleet.status(old).phase == .rolledBack }
        #expect(script.hosts.values.allSatisfy { $0.active == 8 })
        try await script.command(.rollback, new)
        try await script.wait { try await script.fleet.status(new).phase == .rolledBack }
        #expect(script.hosts.values.allSatisfy { $0.active != 8 && $0.denied.contains(8) })
    }

    @Test func `a host that is silent before it is activated is put aside and follows`() async throws {
        let script = try await FleetScript()
        let number = try await script.start { $0.isPromotedAutomatically = true }
        script.hosts["h6"]?.isUp = false
        try await script.wait { try await script.fleet.status(number).phase.isOver }
        #expect(try await script.fleet.status(number).phase == .succeededWithExceptions)
        #expect(try await script.fleet.why(number, "h6").code == .offline)
        try await script.restart()
        script.hosts["h6"]?.isUp = true
        try await script.wait { script.hosts["h6"]?.active == 7 }
    }

    @Test func `a rollout's own limit says when its hosts are silent, shorter or longer than the usual one`()
        async throws
    {
        let script = try await FleetScript(hosts: 3)
        try await script.publish("alpine", 1)
        let alpine = RolloutRequest(master: try #require(MasterName(name: "alpine", version: 1)), selector: "all")
        func start(_ request: RolloutRequest, _ seconds: Int) async throws -> UInt64 {
            var request = request
            request.silenceSeconds = seconds
            request.stageProgressSeconds = 3600
            let number = try #require(try await script.fleet.create(request, by: "ada").rollout)
            try await script.command(.start, number)
            return number
        }
        func aside(_ number: UInt64) async throws -> Int? {
            try await script.fleet.sweep()
            return try await script.fleet.status(number).hosts["deferred-offline"]
        }
        let patient = try await start(alpine, 1200)
        let brief = try await start(try script.request(), 20)
        // Who was not told yet to get in touch more often is not held to it.
        script.clock.pass(seconds: 60)
        #expect(try await aside(brief) == nil)
        for name in ["h1", "h2", "h3"] {
            let contact = try await script.greet(name).contactSeconds
            #expect(contact == 5)
        }
        script.clock.pass(seconds: 19)
        try await script.greet("h1")
        #expect(try await aside(brief) == nil)
        script.clock.pass(seconds: 1)
        #expect(try await aside(brief) == 2)
        #expect(try await script.fleet.why(brief, "h2").code == .offline)
        // A plan asks for its own limit, too.
        func offline(_ seconds: Int) async throws -> Int {
            try await script.fleet.plan(try script.request { $0.silenceSeconds = seconds }).aside
                .count { $0.code == .offline }
        }
        #expect(try await offline(20) == 2)
        #expect(try await offline(300) == 0)
        try await script.pass(seconds: 600)
        #expect(try await aside(brief) == 3)
        #expect(try await aside(patient) == nil)
        #expect(try await offline(300) == 3)
        try await script.pass(seconds: 610)
        #expect(try await aside(patient) == 3)
        try await script.greet("h3")
        #expect(try await aside(brief) == 2)
        #expect(try await aside(patient) == 2)
    }

    @Test func `what a host says twice is taken once`() async throws {
        let script = try await FleetScript(hosts: 2)
        let number = try await script.start()
        let order = try #require(try await script.fleet.orders(for: "h1").orders.first)
        let notice = HostNotice(reports: [HostReport(stamp: order.stamp, master: order.master, state: .staged)])
        let answer = try await script.fleet.take(notice, from: "h1")
        let status = try await script.fleet.status(number)
        #expect(status.hosts["staging"] == 1)
        #expect(try await script.fleet.take(notice, from: "h1") == answer)
        #expect(try await script.fleet.status(number).sequence == status.sequence)
    }

    @Test func `what is over and long replaced is not read at each start, and can still be looked at`() async throws {
        let script = try await FleetScript(hosts: 2)
        for version in [7, 8, 7, 8, 7, 8] { _ = try await script.start(version) }
        let storage = try SqliteStorage(path: script.folder.path + "/tracker.sqlite")
        let open = try await storage.rollouts(after: nil, onlyOpen: true, limit: 100).elements.map(\.id)
        #expect(open.count <= Fleet.rolloutsPerLine + 1 && open.contains("6") && !open.contains("1"), "\(open)")
        try await script.restart()
        #expect(try await script.fleet.status(1).phase == .superseded)
        #expect(try await script.fleet.list().rollouts.count == 6)
    }

    @Test func `a host that was enrolled after the start is met when it gets in touch, and one that was not is not`()
        async throws
    {
        let script = try await FleetScript(hosts: 1)
        let storage = try SqliteStorage(path: script.folder.path + "/tracker.sqlite")
        let digest = [UInt8](repeating: 77, count: 32)
        _ = try await storage.addEnrolmentToken(
            StoredEnrolmentToken(
                id: "t77", digest: digest, pattern: "*", creator: "ada", created: 1, expires: 1000))
        _ = try await storage.enrol(
            StoredHost(name: "late", labels: [:], enrolled: 2),
            StoredCertificate(serial: "077", host: "late", issued: 2, expires: 5000), redeeming: digest,
            replacing: false, at: 2)
        #expect(try await script.fleet.orders(for: "late", after: nil, wait: .zero).orders.isEmpty)
        await #expect(throws: FleetProblem.self) {
            try await script.fleet.orders(for: "never", after: nil, wait: .zero)
        }
    }

    @Test func `older data are noticed`() async throws {
        let script = try await FleetScript()
        let number = try await script.start()
        try await script.wait { try await script.fleet.status(number).hosts["staged"] == 5 }
        let before = try #require(try await script.fleet.orders(for: "h1").orders.first)
        let storage = try SqliteStorage(path: script.folder.path + "/tracker.sqlite")
        let epoch = try await storage.beginEpoch(id: "c0de", at: 9)
        let clock = script.clock
        let fleet = try await Fleet.open(storage, epoch: epoch) { clock.now }
        #expect(try await fleet.status(number).pause?.code == .restored)
        let after = try #require(try await fleet.orders(for: "h1").orders.first)
        #expect(after.stamp.novelty(after: before.stamp) == .otherEpoch)
    }

    @Test func `a question for orders is answered when there is something new, and when the wait is over`() async throws
    {
        let script = try await FleetScript(hosts: 2)
        let fleet = script.fleet
        let idle = try await fleet.orders(for: "h2")
        #expect(idle.orders.isEmpty)
        // The wait is over.
        #expect(try await fleet.orders(for: "h2", after: idle.tag, wait: .milliseconds(20)) == idle)
        async let answer = fleet.orders(for: "h2", after: idle.tag, wait: .seconds(30))
        _ = try await script.start()
        #expect(try await answer.orders.map(\.step) == [.stage])
        // What is new already is answered at once.
        #expect(try await fleet.orders(for: "h2", after: "old", wait: .seconds(30)).orders.count == 1)
    }

    @Test func `a host waits for one answer at a time`() async throws {
        let script = try await FleetScript(hosts: 1)
        let fleet = script.fleet
        let idle = try await fleet.orders(for: "h1")
        // Each question is the end of the one before it.
        let answers = try await withThrowingTaskGroup(of: HostOrders.self) { group in
            for _ in 0..<8 { group.addTask { try await fleet.orders(for: "h1", after: idle.tag, wait: .seconds(60)) } }
            var answers: [HostOrders] = []
            while answers.count < 7, let answer = try await group.next() { answers.append(answer) }
            _ = try await script.start()
            while let answer = try await group.next() { answers.append(answer) }
            return answers
        }
        #expect(answers.prefix(7).allSatisfy { $0 == idle })
        #expect(answers.last?.orders.map(\.step) == [.stage])
    }

    @Test func `a host hears of what concerns it alone, and others go on waiting`() async throws {
        let script = try await FleetScript(hosts: 3)
        let fleet = script.fleet
        let number = try await script.start()
        let before = try await fleet.orders(for: "h2")
        #expect(before.orders.map(\.step) == [.stage])
        async let told = fleet.orders(for: "h2", after: before.tag, wait: .seconds(30))
        let other = try await fleet.orders(for: "h3")
        async let waiting = fleet.orders(for: "h3", after: other.tag, wait: .milliseconds(300))
        try await script.command(.exclude, number, host: "h2")
        #expect(try await told.tag != before.tag)
        #expect(try await waiting == other)
    }

    @Test func `orders of many lines have a tag of their own each time`() async throws {
        let script = try await FleetScript(hosts: 1)
        let hash = String(repeating: "ab", count: 32)
        let storage = try SqliteStorage(path: script.folder.path + "/tracker.sqlite")
        var tags: Set<String> = []
        for number in 1...40 {
            let line = "a-line-of-masters-with-a-rather-long-name-\(number)"
            _ = try await storage.publish(
                PublishedMaster(
                    name: line, version: 1, label: nil, size: 1 << 20, infoHashV1: nil, infoHashV2: hash,
                    published: "2026-01-31T12:00:00Z"), torrent: [UInt8(number)])
            let request = RolloutRequest(master: try #require(MasterName(name: line, version: 1)), selector: "all")
            let rollout = try #require(try await script.fleet.create(request, by: "ada").rollout)
            try await script.command(.start, rollout)
            let orders = try await script.fleet.orders(for: "h1")
            #expect(orders.orders.count == number && orders.tag.utf8.count <= FleetLimits.textBytes)
            #expect(tags.insert(orders.tag).inserted)
        }
    }

    @Test func `a request that comes twice is carried out once, and refusals have codes`() async throws {
        let script = try await FleetScript()
        let number = try await script.start { $0.needsApproval = true }
        await #expect(throws: FleetProblem.self) { try await script.command(.approve, number) }
        do { try await script.command(.approve, number) } catch let problem as FleetProblem {
            #expect(problem.code == .secondPersonNeeded && problem.status == 403)
        }
        try await script.command(.approve, number, by: "bob")
        let pause = RolloutCommandRequest(.pause)
        _ = try await script.fleet.command(pause, to: number, by: "ada", key: "one")
        try await script.command(.resume, number)
        let status = try await script.fleet.command(pause, to: number, by: "ada", key: "one")
        #expect(status.pause == nil)
        for (problem, body) in [
            (ReasonCode.notFound, { _ = try await script.fleet.status(99) }),
            (.notFound, { _ = try await script.fleet.plan(try script.request(70)) }),
            (.unknownHost, { _ = try await script.fleet.why(number, "h99") }),
            (.unknownHost, { _ = try await script.fleet.orders(for: "h99") }),
            (.malformed, { _ = try await script.fleet.plan(try script.request { $0.selector = "rack" }) }),
            (.malformed, { _ = try await script.fleet.plan(try script.request { $0.waves = "5%" }) }),
            (.malformed, { try await script.command(.skip, number) }),
        ] as [(ReasonCode, () async throws -> Void)] {
            do {
                try await body()
                Issue.record("\(problem) was expected")
            } catch let error as FleetProblem {
                #expect(error.code == problem && error.detail.hasSuffix("."), "\(error.detail)")
            }
        }
    }

    @Test func `a key does not eat another command`() async throws {
        let script = try await FleetScript()
        let number = try #require(try await script.fleet.create(try script.request(), by: "ada", key: "job").rollout)
        _ = try await script.fleet.command(RolloutCommandRequest(.start), to: number, by: "ada", key: "job.start")
        for command in [RolloutCommandRequest.Command.promote, .rollback] {
            do {
                _ = try await script.fleet.command(RolloutCommandRequest(command), to: number, by: "ada", key: "job")
                Issue.record("\(command) was eaten")
            } catch let problem as FleetProblem { #expect(problem.code == .conflict && problem.status == 409) }
        }
        let status = try await script.fleet.command(
            RolloutCommandRequest(.rollback), to: number, by: "bob", key: "job")
        #expect(status.phase == .rolledBack)
    }

    @Test func `a rollout that is asked for twice is made once, also after a restart, and for each operator apart`()
        async throws
    {
        let script = try await FleetScript()
        let first = try await script.fleet.create(try script.request(), by: "ada", key: "k1")
        try await script.restart()
        try await script.poll()
        let again = try await script.fleet.create(try script.request(), by: "ada", key: "k1")
        #expect(again.rollout == first.rollout && again.waves == first.waves)
        #expect(try await script.fleet.create(try script.request(), by: "bob", key: "k1").rollout != first.rollout)
        #expect(try await script.fleet.create(try script.request(), by: "ada", key: "k2").rollout != first.rollout)
        do {
            _ = try await script.fleet.create(try script.request { $0.slots = 3 }, by: "ada", key: "k1")
            Issue.record("one key for two rollouts")
        } catch let problem as FleetProblem { #expect(problem.code == .conflict) }
        // Two at once are no two.
        let fleet = script.fleet
        let request = try script.request()
        async let one = fleet.create(request, by: "ada", key: "k3")
        async let other = fleet.create(request, by: "ada", key: "k3")
        let numbers = try await [one.rollout, other.rollout]
        #expect(numbers[0] != nil && numbers[0] == numbers[1])
    }

    @Test func `the log of a failed probe stays with the rollout`() async throws {
        let script = try await FleetScript()
        let number = try await script.start()
        try await script.wait { try await script.fleet.status(number).hosts["activating"] == 1 }
        let canary = try #require(
            try await (1...6).map { "h\($0)" }.asyncFirst {
                try await script.fleet.orders(for: $0).orders.first?.step == .activate
            })
        let order = try #require(try await script.fleet.orders(for: canary).orders.first)
        let text = String(repeating: "kernel panic\n", count: 1000)
        _ = try await script.fleet.take(
            HostNotice(reports: [
                HostReport(stamp: order.stamp, master: order.master, state: .probeFailed, code: .probeFailed, log: text)
            ]), from: canary)
        #expect(try await script.fleet.status(number).pause?.code == .errorThreshold)
        let storage = try SqliteStorage(path: script.folder.path + "/tracker.sqlite")
        #expect(try await storage.attachment(named: "\(canary).log", of: "\(number)") == Array(text.utf8))
        #expect(try await script.fleet.log(number, canary) == Array(text.utf8))
        await #expect(throws: FleetProblem.self) { try await script.fleet.log(number, "h99") }
        // What it says again is no news, and is not written again; nor is what is about no rollout of its.
        let lost = try await storage.attach([1], named: "\(canary).log", to: "\(number)")
        #expect(lost)
        for epoch in [order.stamp.epoch, "2-ff"] {
            let stamp = OrderStamp(epoch: epoch, rollout: number, order: order.stamp.order)
            _ = try await script.fleet.take(
                HostNotice(reports: [
                    HostReport(stamp: stamp, master: order.master, state: .probeFailed, code: .probeFailed, log: text)
                ]), from: canary)
        }
        #expect(try await storage.attachment(named: "\(canary).log", of: "\(number)") == [1])
        let other = try #require(script.hosts.keys.first { $0 != canary })
        await #expect(throws: FleetProblem.self) { try await script.fleet.log(number, other) }
    }
}

extension Array {
    fileprivate func asyncFirst(where holds: (Element) async throws -> Bool) async rethrows -> Element? {
        for element in self where try await holds(element) { return element }
        return nil
    }
}
