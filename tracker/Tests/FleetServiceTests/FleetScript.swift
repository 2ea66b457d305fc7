// SPDX-License-Identifier: Apache-2.0

import FleetAgent
import FleetProtocol
import FleetService
import Metainfo
import SqliteStorage
import Synchronization
import TestSupport
import Testing
import TrackerProtocol
import TrackerStorage
import Trust

/// A fleet on a real database, with a clock of its own and hosts that make of their orders what real ones do.
final class FleetScript {
    /// A host's agent, and what its disk would be.
    struct Host {
        var agent = FleetAgent()
        var active: Int? = 6
        var held: Set<Int> = [6]
        var denied: Set<Int> = []
        var isUp = true
        /// Steps that do not end well.
        var failing: [FleetOrder.Step: ReasonCode] = [:]
        /// How often each step was begun.
        var begun: [FleetOrder.Step: Int] = [:]

        var view: LineView {
            LineView(
                active: active, held: Dictionary(uniqueKeysWithValues: held.map { ($0, FleetScript.hash(of: $0)) }),
                denied: denied)
        }

        /// Hears something, and does at once what follows.
        mutating func hear(_ event: AgentEvent) {
            var events = [event]
            while !events.isEmpty {
                for effect in agent.handle(events.removeFirst(), view: { [view] _ in view }) {
                    guard let (order, step, good) = Self.step(effect) else { continue }
                    begun[step, default: 0] += 1
                    let outcome = failing[step].map { AgentEvent.Outcome.failed($0, log: "it does not work") } ?? good
                    if failing[step] == nil { carryOut(step, order) }
                    events.append(.went(line: order.master.name, order.stamp, outcome))
                }
            }
        }

        private static func step(_ effect: AgentEffect) -> (FleetOrder, FleetOrder.Step, AgentEvent.Outcome)? {
            switch effect {
            case .stage(let order): (order, .stage, .staged)
            case .activate(let order): (order, .activate, .activated)
            case .probe(let order): (order, .probe, .probed)
            case .rollBack(let order): (order, .rollBack, .rolledBack)
            case .stop, .report: nil
            }
        }

        private mutating func carryOut(_ step: FleetOrder.Step, _ order: FleetOrder) {
            let version = order.master.version
            switch step {
            case .stage: held.insert(version)
            case .activate:
                active = version
                denied.remove(version)
            case .rollBack:
                if active == version { active = order.previous }
                denied.insert(version)
            default: break
            }
        }
    }

    static func hash(of version: Int) -> String { String(repeating: "\(version % 10)0", count: 32) }

    let folder: TemporaryDirectory
    let clock = Clock()
    var fleet: Fleet
    var hosts: [String: Host] = [:]

    final class Clock: Sendable {
        private let time = Mutex<Int64>(1_800_000_000_000)
        var now: Int64 { time.withLock { $0 } }
        func pass(seconds: Int64) { time.withLock { $0 += seconds * 1000 } }
    }

    init(hosts count: Int = 6) async throws {
        folder = try TemporaryDirectory()
        let storage = try SqliteStorage(path: folder.path + "/tracker.sqlite")
        for version in 6...8 {
            let hash = Self.hash(of: version)
            _ = try await storage.publish(
                PublishedMaster(
                    name: "debian", version: version, label: nil, size: 10 << 30, infoHashV1: nil, infoHashV2: hash,
                    published: "2026-01-31T12:00:00Z"), torrent: [UInt8(version)])
        }
        for number in 1...count {
            let (name, digest) = ("h\(number)", [UInt8](repeating: UInt8(number), count: 32))
            _ = try await storage.addEnrolmentToken(
                StoredEnrolmentToken(
                    id: "t\(number)", digest: digest, pattern: "*", creator: "ada", created: 1, expires: 1000))
            let outcome = try await storage.enrol(
                StoredHost(name: name, labels: ["rack": "r\(number % 2)"], enrolled: 2),
                StoredCertificate(serial: "0\(number)", host: name, issued: 2, expires: 2_000_000_000),
                redeeming: digest,
                replacing: false, at: 2)
            guard case .enrolled = outcome else {
                throw FleetProblem(status: 500, code: .internal, detail: "\(outcome)")
            }
            hosts[name] = Host()
        }
        fleet = try await Self.open(storage, clock)
        try await poll()
    }

    private static func open(_ storage: SqliteStorage, _ clock: Clock, root: TrustRoot? = nil) async throws -> Fleet {
        let epoch = try await storage.settleEpoch(fresh: "5f2a", at: 3).epoch
        return try await Fleet.open(storage, epoch: epoch, root: root) { clock.now }
    }

    /// The database as another process sees it.
    func storage() throws -> SqliteStorage { try SqliteStorage(path: folder.path + "/tracker.sqlite") }

    func publish(_ name: String, _ version: Int) async throws {
        let hash = Self.hash(of: version)
        _ = try await storage().publish(
            PublishedMaster(
                name: name, version: version, label: nil, size: 10 << 30, infoHashV1: nil, infoHashV2: hash,
                published: "2026-01-31T12:00:00Z"), torrent: [UInt8(version)])
    }

    /// A host says nothing but that it is there.
    @discardableResult
    func greet(_ name: String) async throws -> HostOrders {
        try await fleet.take(HostNotice(reports: [], facts: facts(hosts[name] ?? Host())), from: name)
    }

    /// Another process, on a copy that was restored.
    func restore(epoch id: String) async throws {
        let (storage, clock) = (try storage(), clock)
        let epoch = try await storage.beginEpoch(id: id, at: 9)
        fleet = try await Fleet.open(storage, epoch: epoch) { clock.now }
    }

    /// Another process, on what was stored.
    func restart(root: TrustRoot? = nil) async throws {
        fleet = try await Self.open(storage(), clock, root: root)
    }

    var master: MasterName { get throws { try #require(MasterName(name: "debian", version: 7)) } }

    func request(_ version: Int = 7, _ change: (inout RolloutRequest) -> Void = { _ in }) throws -> RolloutRequest {
        var request = RolloutRequest(
            master: try #require(MasterName(name: "debian", version: version)), selector: "all")
        change(&request)
        return request
    }

    func start(_ version: Int = 7, _ change: (inout RolloutRequest) -> Void = { _ in }) async throws -> UInt64 {
        let number = try #require(try await fleet.create(try request(version, change), by: "ada").rollout)
        try await command(.start, number)
        return number
    }

    @discardableResult
    func command(
        _ command: RolloutCommandRequest.Command, _ number: UInt64, host: String? = nil, by name: String = "ada"
    ) async throws -> RolloutStatusDocument {
        try await fleet.command(RolloutCommandRequest(command, host: host), to: number, by: name)
    }

    /// Every host that is up gets in touch, does what it is told and says what came of it.
    func poll() async throws {
        for name in hosts.keys.sorted() {
            guard var host = hosts[name], host.isUp else { continue }
            host.hear(.looked)
            host.hear(.ordered(try await fleet.take(notice(host), from: name)))
            _ = try await fleet.take(notice(host), from: name)
            hosts[name] = host
        }
    }

    private func notice(_ host: Host) -> HostNotice { HostNotice(reports: host.agent.reports, facts: facts(host)) }

    /// Time goes by, with a sign of life each minute, until something holds or an hour has passed.
    func wait(until holds: () async throws -> Bool) async throws {
        for _ in 0..<60 where try await !holds() {
            clock.pass(seconds: 60)
            try await poll()
            try await fleet.sweep()
        }
        #expect(try await holds())
    }

    /// Time goes by, and the tracker looks at it, whatever comes of that.
    func pass(seconds: Int64) async throws {
        for _ in 0..<(seconds / 10) {
            clock.pass(seconds: 10)
            do { try await fleet.sweep() } catch {}
        }
    }

    private func facts(_ host: Host) -> HostFacts {
        HostFacts(
            program: "0.4.0", labels: [:], freeBytes: 100 << 30, capacityBytes: 200 << 30,
            lines: [
                .init(
                    name: "debian", active: host.active, held: host.held.sorted(), denied: host.denied.sorted(),
                    clones: host.held.sorted().map { .init(version: $0, count: 2) })
            ])
    }
}
