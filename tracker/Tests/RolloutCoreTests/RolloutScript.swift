// SPDX-License-Identifier: Apache-2.0

import RolloutCore
import Testing

/// A rollout in a test: the live machine, its log, and a clock. Every event goes through `decide` and `apply`, and the
/// fold of the log is compared with the live state where a test asks for it.
struct RolloutScript {
    var rollout: Rollout
    var log: [RolloutEvent]
    var now = Instant(milliseconds: 1_000_000)
    /// The latest number of a decision; scripts of one tracker hand it on to each other.
    var order: UInt64
    /// Whom operators keep out.
    var keptOut: [HostName: BlockReason] = [:]
    private var requests = 0

    /// Ten hosts h000 to h009 in two racks, unless said otherwise.
    init(
        hosts: Int = 10, version: UInt64 = 7, settings: RolloutSettings = RolloutSettings(),
        number: UInt64 = 1, order: UInt64 = 0, change: (inout FleetHost) -> Void = { _ in }
    ) throws {
        var fleet = (0..<hosts).map { Self.host($0) }
        for place in fleet.indices { change(&fleet[place]) }
        let plan = RolloutPlanner(target: try Self.target(version), settings: settings).plan(fleet)
        try self.init(plan: plan, number: number, order: order)
    }

    init(plan: RolloutPlan, number: UInt64 = 1, order: UInt64 = 0) throws {
        self.order = order + 1
        log = try Rollout.create(
            number: number, epoch: Self.epoch, plan: plan, seed: 42, order: order + 1, at: now,
            by: .operator(name: "ada"), request: "create-\(number)")
        rollout = try #require(try Rollout.fold(log))
    }

    static let epoch = "1-5f2a"

    static func target(_ version: UInt64 = 7, selector: HostSelector = .all) throws -> RolloutTarget {
        let master = try #require(MasterReference(line: "debian", version: version, infoHash: "00ff"))
        return RolloutTarget(master: master, imageBytes: 10 << 30, selector: selector)
    }

    static func host(_ number: Int) -> FleetHost {
        FleetHost(
            name: name(number), labels: ["rack": "r\(number % 2)", "role": "compute"], active: 6, held: [5, 6],
            freeBytes: 100 << 30, capacityBytes: 200 << 30)
    }

    static func name(_ number: Int) -> HostName {
        let digits = String(number)
        guard let name = HostName("h" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits) else {
            fatalError("digits make a name")
        }
        return name
    }

    /// The host's state.
    subscript(_ number: Int) -> HostState? { rollout.host(Self.name(number))?.state }

    var names: [HostName] { rollout.hosts.map(\.name) }

    func names(_ kind: HostState.Kind, wave: Int? = nil) -> [HostName] {
        rollout.hosts.filter { $0.state.kind == kind && (wave == nil || $0.wave == wave) }.map(\.name)
    }

    func step(_ name: HostName) -> HostOrder.Step? { rollout.order(for: name)?.step }

    /// The stamp of the host's present order.
    func stamp(_ name: HostName) -> HostOrder.Stamp {
        rollout.order(for: name)?.stamp ?? HostOrder.Stamp(epoch: Self.epoch, rollout: rollout.number, order: 0)
    }

    mutating func take(_ input: RolloutInput, by actor: Actor = .tracker, request: String? = nil) throws {
        let keptOut = keptOut
        let events = try rollout.decide(input, at: now, order: order + 1, by: actor, request: request) { keptOut[$0] }
        if !events.isEmpty { order += 1 }
        for event in events { try rollout.apply(event) }
        log += events
    }

    /// Operators keep a host out, or let it take part again.
    mutating func drain(_ number: Int, _ isDrained: Bool) throws {
        var host = Self.host(number)
        host.isDrained = isDrained
        keptOut[host.name] = isDrained ? .drained : nil
        try take(.host(host))
    }

    mutating func command(_ command: RolloutCommand, by name: String = "ada", request: String? = nil) throws {
        requests += 1
        try take(.command(command), by: .operator(name: name), request: request ?? "r\(requests)")
    }

    /// A report that answers the host's present order.
    mutating func report(_ name: HostName, _ progress: HostReport.Progress) throws {
        let version = rollout.target.master.version
        try take(.report(HostReport(host: name, version: version, stamp: stamp(name), progress: progress)))
    }

    mutating func report(_ names: [HostName], _ progress: HostReport.Progress) throws {
        for name in names { try report(name, progress) }
    }

    /// Lets time pass, with a tick at each deadline on the way.
    mutating func wait(_ span: Span) throws {
        let end = now + span
        while let deadline = rollout.nextDeadline, deadline <= end {
            now = max(now, deadline)
            try take(.tick)
        }
        now = end
        try take(.tick)
    }

    /// Starts, and reports all hosts staged.
    mutating func stageAll() throws {
        try command(.start)
        try report(names(.staging), .staged)
    }

    /// Brings all hosts that are activating to health.
    mutating func makeHealthy() throws {
        for name in names(.activating) { try report(name, .activated) }
        for name in names(.probing) { try report(name, .probePassed) }
        try confirmSoaking()
    }

    mutating func confirmSoaking() throws {
        let ends = rollout.hosts.compactMap { if case .soaking(let until) = $0.state { until } else { nil } }
        guard let end = ends.max() else { return }
        now = max(now, end)
        try report(names(.soaking), .healthy)
    }

    /// Goes on until the canaries are healthy and promotes.
    mutating func passCanaries() throws {
        try stageAll()
        try makeHealthy()
        try command(.promote)
    }

    /// Lets everything go well until the end.
    mutating func finish() throws {
        for _ in 0..<50 where !rollout.isAtRest { try makeHealthy() }
    }

    /// The state is the fold of the log.
    func checkFold() throws {
        #expect(try Rollout.fold(log) == rollout)
    }
}
