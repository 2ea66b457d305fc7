// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

@Suite struct PlannerTests {
    private func plan(
        _ fleet: [FleetHost], settings: RolloutSettings = RolloutSettings(), selector: String = "all",
        followsAtLeast: UInt64? = nil
    ) throws -> RolloutPlan {
        let base = try RolloutScript.target()
        let target = RolloutTarget(
            master: base.master, imageBytes: base.imageBytes, followsAtLeast: followsAtLeast,
            selector: try HostSelector(selector))
        return RolloutPlanner(target: target, settings: settings).plan(fleet)
    }

    private func fleet(_ count: Int) -> [FleetHost] { (0..<count).map(RolloutScript.host) }

    @Test(arguments: [
        (1, [1]), (2, [1, 1]), (6, [1, 1, 1, 3]), (10, [1, 1, 2, 6]), (100, [1, 5, 20, 74]), (1000, [5, 50, 199, 746]),
    ])
    func `the standard waves fit any fleet`(count: Int, sizes: [Int]) throws {
        let plan = try plan(fleet(count))
        #expect(plan.problems.isEmpty)
        #expect(plan.waves.map(\.count) == sizes)
    }

    @Test func `absolute waves, the last one repeated`() throws {
        var settings = RolloutSettings()
        settings.waves = try WaveSpec("10,50,200x")
        settings.canaries = .count(3)
        #expect(try plan(fleet(500), settings: settings).waves.map(\.count) == [3, 10, 50, 200, 200, 37])
        settings.waves = try WaveSpec("10,50")
        let left = try plan(fleet(500), settings: settings)
        #expect(left.problems == [.hostsLeft(437, spec: try WaveSpec("10,50"))])
        settings.waves = try WaveSpec("1x")
        #expect(try plan(fleet(600), settings: settings).problems == [.tooManyWaves])
    }

    @Test func `the same fleet in any order gives the same plan`() throws {
        var random = SeededGenerator(3)
        let plans = try (0..<5).map { _ in try plan(fleet(200).shuffled(using: &random)) }
        #expect(Set(plans.map { $0.waves.joined().map(\.name) }).count == 1)
    }

    @Test func `waves take hosts of all racks`() throws {
        let plan = try plan(fleet(100))
        let racks = plan.waves[1].map {
            $0.name.description.hasSuffix("0") || ["2", "4", "6", "8"].contains($0.name.description.suffix(1))
        }
        #expect(Set(racks).count == 2)
    }

    @Test func `what stands in a host's way is said`() throws {
        var hosts = fleet(8)
        hosts[0].isPinned = true
        hosts[1].isDrained = true
        hosts[2].denied = [7]
        hosts[3].active = 2
        hosts[4].freeBytes = 15 << 30
        hosts[5].active = 7
        hosts[6].isOnline = false
        let plan = try plan(hosts, followsAtLeast: 3)
        let reasons: [PlannedHost.Standing] = [
            .blocked(reason: .pinned), .blocked(reason: .drained), .blocked(reason: .denied),
            .blocked(reason: .incompatible), .blocked(reason: .noSpace), .already, .offline,
        ]
        #expect(plan.aside.map(\.standing) == reasons)
        #expect(plan.waves.map { $0.map(\.name) } == [[RolloutScript.name(7)]])
        #expect(plan.bytesToMove == 10 << 30)
        let nothing = try self.plan(Array(hosts.prefix(7)), followsAtLeast: 3)
        #expect(nothing.problems == [.nothingToDo(already: 1, offline: 1, blocked: 5)])
    }

    @Test func `who holds the version fetches nothing and needs no room`() throws {
        var hosts = fleet(2)
        hosts[0].held = [6, 7]
        hosts[0].freeBytes = 0
        let plan = try plan(hosts)
        #expect(plan.waves.joined().map(\.bytesToMove).sorted() == [0, 10 << 30])
    }

    @Test func `the prediction follows its model`() throws {
        let prediction = try #require(try plan(fleet(100)).prediction)
        // 10 GiB over 30 % of 1 Gbit/s, and a quarter more.
        let staging = Double(10 << 30) / 37.5e6 * 1.25
        #expect(abs(Double(prediction.staging.milliseconds) / 1000 - staging) < 1)
        #expect(prediction.earliest == prediction.staging + .minutes(10 + 2 + 2 + 2))
        // The canary probes; 74 hosts need two rounds of 50 slots.
        #expect(prediction.latest == prediction.staging + .minutes(27 + 14 + 14 + 21))
    }

    @Test func `busy and unhealthy hosts come last and are no canaries`() throws {
        var hosts = fleet(20)
        for number in 0..<10 { hosts[number].isBusy = true }
        let plan = try plan(hosts)
        #expect(plan.waves.joined().suffix(10).allSatisfy { $0.name < RolloutScript.name(10) })
    }

    @Test func `canaries that take no part are said`() throws {
        var settings = RolloutSettings()
        settings.canaries = .named([RolloutScript.name(1), RolloutScript.name(99)])
        #expect(try plan(fleet(10), settings: settings).problems == [.canaryUnavailable(RolloutScript.name(99))])
    }

    @Test func `there is a bound on hosts`() throws {
        #expect(try plan(fleet(RolloutLimits.hosts + 1)).problems == [.tooManyHosts(20_001)])
        #expect(try plan(fleet(RolloutLimits.hosts)).problems.isEmpty)
    }
}
