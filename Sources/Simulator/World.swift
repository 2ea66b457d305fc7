// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import Swarm
import TrackerCore
import TrackerProtocol

/// Runs a ``Scenario``: hosts, links, disks and a tracker in one thread under virtual time, with the decisions made by
/// the very ``Swarm`` and ``PeerSession`` that the real transport runs.
///
/// Links: a host's uplink serves its connections in turn, one message or block each, at its rate; what has left it
/// arrives after the pair's delay and then takes its time on the receiver's downlink, first come first served. Messages
/// pass through the real encoder and decoder; a block's bytes are a stand-in, and what is wrong with them travels
/// beside.
package final class World {
    enum Event {
        case start(Int)
        case end(Int)
        case tick(Int, life: Int)
        case breakConnection
        case dialArrived(SimulatedConnection)
        case dialFailed(Int, life: Int, PeerAddress)
        case uplinkDone(Int, life: Int, SimulatedConnection, SimulatedConnection.Segment)
        case delivered(SimulatedConnection, SimulatedConnection.Segment)
        case remoteClosed(SimulatedConnection)
        case heldClose(SimulatedConnection)
        case held(SimulatedConnection, SimulatedConnection, SimulatedConnection.Segment)
        case report(SimulatedConnection, SessionReport)
        case commands(SimulatedConnection, [SessionCommand])
        case gone(SimulatedConnection)
        case roomGranted(SimulatedConnection, Extent)
        case read(SimulatedConnection, [BlockRequest])
        case hashesRead(SimulatedConnection, HashRequest)
        case written(Int, life: Int, Swarm.ConnectionID, Loan, wrong: UInt64)
        case abandoned(SimulatedConnection, Extent)
        case announceArrived(Int, life: Int, AnnounceRequest)
        case announceAnswered(Int, life: Int, AnnounceEvent?, AnnounceResponse?)
    }

    static let tickInterval = Duration.milliseconds(500).nanoseconds
    static let dialTimeout = Duration.seconds(10)

    let scenario: Scenario
    let image: SimulatedImage
    var random: SeededRandom
    var queue = EventQueue<Event>()
    var now: Int64 = 0
    var hosts: [SimulatedHost] = []
    var tracker = SwarmRegistry()
    var trackerRandom: SeededRandom
    var trace: Trace
    var nextConnection: UInt64 = 1
    /// Promises that were broken, each once.
    var broken: [String] = []
    var banned: Set<Int> = []
    var seedBytes: Int64 = 0
    var duplicateBytes: Int64 = 0
    var receivedBytes: Int64 = 0
    var rackCrossingBytes: Int64 = 0
    /// Bytes of blocks that entered each rack.
    var rackEnteringBytes: [Int: Int64] = [:]
    /// When each rack's link to the others has carried what it was given, outwards and inwards.
    var rackOutFree: [Int: Int64] = [:]
    var rackInFree: [Int: Int64] = [:]
    var eventCount = 0
    /// Pieces that honest hosts verified since the run began, and how many of these hosts completed.
    var verifiedCount = 0
    var completedCount = 0
    private var course: Course
    /// The host that was found unfinished last, since it mostly still is.
    private var unfinished = 0
    private var hostsByAddress: [IPAddress: Int] = [:]

    /// Stands in for the bytes of every block.
    let stuffing = ByteBuffer(repeating: 0, count: PieceGeometry.blockLength)

    /// - Throws: ``MetainfoError`` when the geometry is not one a torrent can have.
    package init(_ scenario: Scenario) throws {
        self.scenario = scenario
        random = SeededRandom(seed: scenario.seed)
        image = try SimulatedImage(geometry: scenario.geometry, seed: random.next())
        trackerRandom = random.split()
        course = Course(step: scenario.bound / 200)
        trace = Trace(limit: scenario.traceLimit)
        for (number, plan) in scenario.hosts.enumerated() {
            let own = random.split()
            guard let host = SimulatedHost(number, plan, geometry: scenario.geometry, random: own) else { continue }
            hosts.append(host)
            hostsByAddress[host.address.host] = number
        }
    }

    var clock: Duration { .nanoseconds(now) }

    // MARK: The run

    /// Runs the scenario to its end.
    /// - Parameter watching: called now and then with the virtual time and how many pieces of how many the honest hosts
    ///   have between them; the run ends with what it throws.
    /// - Throws: ``MetainfoError`` when the geometry is not one a torrent can have; what `watching` throws.
    package static func run(
        _ scenario: Scenario, watching: (_ time: Duration, _ have: Int, _ want: Int) throws -> Void = { _, _, _ in }
    ) throws -> Outcome { try World(scenario).run(watching) }

    private func run(_ watching: (Duration, Int, Int) throws -> Void) throws -> Outcome {
        for host in hosts {
            queue.schedule(.start(host.number), at: host.plan.starts.nanoseconds)
            if let ends = host.plan.ends { queue.schedule(.end(host.number), at: ends.nanoseconds) }
        }
        scheduleBreak()
        let deadline = scenario.deadline.nanoseconds
        let fetching = hosts.filter { !$0.plan.isSeed }
        let begin = fetching.map(\.plan.starts).min() ?? .zero
        let fetchingHosts = fetching.count(where: \.isHonest)
        let want = fetchingHosts * scenario.geometry.pieceCount
        var verdict: Outcome.Verdict?
        while verdict == nil, let (time, event) = queue.next() {
            guard time <= deadline else { break }
            now = time
            eventCount += 1
            handle(event)
            course.note(clock - begin, pieces: verifiedCount, completed: completedCount)
            if eventCount % 100_000 == 0 { try watching(clock, verifiedCount, want) }
            if !broken.isEmpty { verdict = .wrong(broken) }
            if case .tick = event, isFinished { verdict = .completed }
        }
        let incomplete = hosts.filter { $0.isHonest && $0.isAlive && $0.completedAt == nil }.map(\.number)
        let times = hosts.filter { $0.isHonest && !$0.plan.isSeed }.compactMap { host in
            host.completedAt.map { Duration.nanoseconds($0 - (host.startedAt ?? 0)) }
        }
        let makespan = hosts.filter { $0.isHonest && !$0.plan.isSeed }.compactMap(\.completedAt).max() ?? now
        course.end(.nanoseconds(makespan) - begin, pieces: verifiedCount, completed: completedCount)
        return Outcome(
            verdict: verdict ?? .stuck(incomplete), makespan: .nanoseconds(makespan) - begin, times: times.sorted(),
            bound: scenario.bound, imageSize: scenario.imageSize,
            grain: scenario.scale * PieceGeometry.blockLength, seedBytes: seedBytes,
            duplicateBytes: duplicateBytes, receivedBytes: receivedBytes, rackCrossingBytes: rackCrossingBytes,
            copiesIntoRack: rackEnteringBytes.mapValues { Double($0) / Double(scenario.imageSize) },
            course: course, fetchingHosts: fetchingHosts, pieces: want, eventCount: eventCount, banned: banned,
            trace: trace)
    }

    /// Whether every honest host has started and has either completed or ended for good.
    private var isFinished: Bool {
        func isFinished(_ host: SimulatedHost) -> Bool {
            guard host.isHonest else { return true }
            return host.isAlive ? host.completedAt != nil : !host.isExpected
        }
        guard isFinished(hosts[unfinished]) else { return false }
        guard let next = hosts.firstIndex(where: { !isFinished($0) }) else { return true }
        unfinished = next
        return false
    }

    private func scheduleBreak() {
        guard scenario.faults.brokenConnections > 0 else { return }
        let mean = 1 / scenario.faults.brokenConnections
        let wait = random.duration(upTo: .seconds(2 * mean))
        queue.schedule(.breakConnection, at: now + wait.nanoseconds)
    }

    private func handle(_ event: Event) {
        switch event {
        case .start(let host): start(host)
        case .end(let host): end(host)
        case .tick(let host, let life): tick(host, life)
        case .breakConnection:
            breakConnection()
            scheduleBreak()
        case .dialArrived(let connection): dialArrived(connection)
        case .dialFailed(let host, let life, let address):
            decide(host, life) { $0.swarm?.dialFailed(address, now: $1) ?? [] }
        case .uplinkDone(let host, let life, let connection, let segment):
            uplinkDone(host, life, connection, segment)
        case .delivered(let connection, let segment): delivered(connection, segment)
        case .held(let connection, let other, let segment): send(segment, connection, other)
        case .heldClose(let connection): tellOther(connection)
        case .remoteClosed(let connection): closed(connection, "the other side closed")
        case .report(let connection, let report): reported(connection, report)
        case .commands(let connection, let commands): perform(commands, connection)
        case .gone(let connection):
            decide(connection.host, connection.life) {
                $0.connections[connection.id] = nil
                return $0.swarm?.disconnected(connection.id, now: $1) ?? []
            }
        case .roomGranted(let connection, let extent): roomGranted(connection, extent)
        case .read(let connection, let run): send(run, connection)
        case .hashesRead(let connection, let request): sendHashes(request, connection)
        case .written(let host, let life, let id, let loan, let wrong): written(host, life, id, loan, wrong)
        case .abandoned(let connection, let extent):
            decide(connection.host, connection.life) {
                $0.swarm?.storeFailed(extent, by: connection.id, now: $1) ?? []
            }
        case .announceArrived(let host, let life, let request): announceArrived(host, life, request)
        case .announceAnswered(let host, let life, let event, let answer): announceAnswered(host, life, event, answer)
        }
    }

    // MARK: Lookups

    /// How many of the image's bytes a block stands for.
    func bytes(of block: BlockRequest) -> Int64 { Int64(block.length) * Int64(scenario.scale) }

    func isCurrent(_ connection: SimulatedConnection) -> Bool {
        hosts[connection.host].isAlive && hosts[connection.host].life == connection.life
    }

    func host(at address: PeerAddress) -> Int? { hostsByAddress[address.host] }

    func note(_ host: Int, _ connection: SimulatedConnection, _ what: @autoclosure () -> String) {
        guard trace.isRecording else { return }
        trace.record(now, host, connection.id.number, connection.peerHost, what())
    }

    func note(_ host: Int, _ what: @autoclosure () -> String) {
        guard trace.isRecording else { return }
        trace.record(now, host, nil, nil, what())
    }

    /// A promise was broken: the run is wrong.
    func accuse(_ host: Int, _ connection: SimulatedConnection, _ what: String) {
        accuse(host, "\(connection.id) to h\(connection.peerHost): \(what)")
    }

    func accuse(_ host: Int, _ what: String) {
        note(host, "BROKEN \(what)")
        broken.append("h\(host) at \(clock.seconds) s: \(what)")
    }

    /// Until when two hosts cannot reach each other; `nil` when they can.
    func cut(_ one: Int, _ other: Int) -> Int64? {
        let ends = scenario.faults.partitions.filter { partition in
            partition.time.contains(clock) && partition.hosts.contains(one) != partition.hosts.contains(other)
        }
        return ends.map(\.time.upperBound.nanoseconds).max()
    }

    /// Whether a host cannot reach the tracker.
    func isCutOff(_ host: Int) -> Bool {
        scenario.faults.partitions.contains { $0.time.contains(clock) && $0.hosts.contains(host) }
    }

    /// The delay between two hosts, one way: between half of the scenario's and all of it, and what racks add.
    func delay(_ one: Int, _ other: Int) -> Int64 {
        let pair = UInt64(min(one, other)) << 32 | UInt64(max(one, other))
        var random = SeededRandom(seed: scenario.seed ^ pair)
        let whole = scenario.delay.nanoseconds
        let between = hosts[one].plan.rack == hosts[other].plan.rack ? 0 : scenario.rackDelay.nanoseconds
        return between + whole / 2 + Int64.random(in: 0...max(0, whole - whole / 2), using: &random)
    }
}
