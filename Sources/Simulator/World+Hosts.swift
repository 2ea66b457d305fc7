// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import Swarm
import TrackerCore
import TrackerProtocol

/// Hosts come, go, tick, dial and announce; and what their swarms decide is carried out.
extension World {
    func start(_ number: Int) {
        guard !hosts[number].isAlive else { return }
        hosts[number].isAlive = true
        hosts[number].isExpected = false
        hosts[number].life += 1
        if hosts[number].startedAt == nil { hosts[number].startedAt = now }
        let id = PeerID.generated(using: &hosts[number].random)
        hosts[number].peerID = id
        hosts[number].swarm = Swarm(
            metainfo: image.metainfo, have: hosts[number].verified, ownID: id, rack: rackName(of: number),
            limits: scenario.limits)
        hosts[number].schedule = AnnounceSchedule(at: clock)
        if hosts[number].verified.isFull, hosts[number].completedAt == nil { hosts[number].completedAt = now }
        note(number, "start life=\(hosts[number].life) have=\(hosts[number].verified.count)")
        if let event = hosts[number].schedule.due(at: clock) { announce(number, event) }
        let first = hosts[number].random.duration(upTo: .milliseconds(500))
        queue.schedule(.tick(number, life: hosts[number].life), at: now + first.nanoseconds)
    }

    func end(_ number: Int) {
        guard hosts[number].isAlive else {
            // Its disk is full just now: its end comes after its return.
            if hosts[number].isExpected { queue.schedule(.end(number), at: now + Self.tickInterval) }
            return
        }
        if hosts[number].plan.endsOnceReplicated, !isReplicated(without: number) {
            return queue.schedule(.end(number), at: now + Self.tickInterval / 10)
        }
        note(number, "end \(hosts[number].plan.end)")
        stop(number, vanishing: hosts[number].plan.end == .vanishes)
        if let wait = hosts[number].plan.returnsAfter { expect(number, at: now + wait.nanoseconds) }
    }

    /// The disk is full: the fetch ends, and is resumed when there is space again.
    func diskFilled(_ number: Int, until end: Duration) {
        note(number, "full disk")
        stop(number, vanishing: false)
        expect(number, at: end.nanoseconds)
    }

    private func expect(_ number: Int, at time: Int64) {
        hosts[number].isExpected = true
        queue.schedule(.start(number), at: time)
    }

    private func stop(_ number: Int, vanishing: Bool) {
        let connections = hosts[number].connections.sorted { $0.key < $1.key }.map(\.value)
        hosts[number].hasVanished = vanishing
        if !vanishing { for connection in connections { closed(connection, "the host stops") } }
        hosts[number].isAlive = false
        hosts[number].swarm = nil
        hosts[number].connections = [:]
        hosts[number].isSending = false
        hosts[number].turns.removeAll()
        hosts[number].roomWaiters = []
        hosts[number].freeRooms = hosts[number].plan.rooms
        hosts[number].diskFree = now
    }

    /// Whether the honest hosts that stay have every piece between them.
    private func isReplicated(without leaving: Int) -> Bool {
        var union = Bitfield(pieceCount: scenario.geometry.pieceCount)
        for host in hosts where host.number != leaving && host.isAlive && host.isHonest && host.plan.ends == nil {
            host.verified.forEach { number in
                if let piece = scenario.geometry.piece(number) { union.insert(piece) }
            }
        }
        return union.isFull
    }

    func tick(_ number: Int, _ life: Int) {
        guard hosts[number].isAlive, hosts[number].life == life else { return }
        queue.schedule(.tick(number, life: life), at: now + Self.tickInterval)
        for (_, connection) in hosts[number].connections.sorted(by: { $0.key < $1.key }) {
            act(connection) { $0.tick(at: $1) }
        }
        decide(number, life) { $0.swarm?.tick(now: $1) ?? [] }
        if let event = hosts[number].schedule.due(at: clock) { announce(number, event) }
        check(number)
    }

    func breakConnection() {
        var candidates: [SimulatedConnection] = []
        for host in hosts where host.isAlive {
            candidates += host.connections.sorted { $0.key < $1.key }.map(\.value)
        }
        guard let victim = candidates.randomElement(using: &random) else { return }
        note(victim.host, victim, "break")
        closed(victim, "the connection broke")
    }

    // MARK: Swarm decisions

    /// Lets a host's swarm decide and carries out what it says, as the NIO driver does.
    func decide(_ number: Int, _ life: Int, _ body: (SimulatedHost, Duration) -> [Swarm.Effect]) {
        guard hosts[number].isAlive, hosts[number].life == life else { return }
        let effects = body(hosts[number], clock)
        var commands: [Swarm.ConnectionID: [SessionCommand]] = [:]
        var order: [Swarm.ConnectionID] = []
        for effect in effects {
            switch effect {
            case .command(let id, let command):
                if commands[id] == nil { order.append(id) }
                commands[id, default: []].append(command)
            case .dial(let address): dial(number, address)
            case .fact(let fact): happened(number, fact)
            }
        }
        for id in order {
            guard let connection = hosts[number].connections[id], let list = commands[id] else { continue }
            let time = max(connection.lastCommand, now + random.duration(upTo: scenario.hop).nanoseconds)
            connection.lastCommand = time
            queue.schedule(.commands(connection, list), at: time)
        }
    }

    func reported(_ connection: SimulatedConnection, _ report: SessionReport) {
        decide(connection.host, connection.life) { host, now in
            host.swarm?.received(report, from: connection.id, now: now, using: &host.random) ?? []
        }
    }

    private func happened(_ number: Int, _ fact: Swarm.Fact) {
        note(number, "fact \(fact)")
        switch fact {
        case .pieceVerified(let piece):
            hosts[number].verified.insert(piece)
            if hosts[number].isHonest { verifiedCount += 1 }
            if !hosts[number].holds(piece) { accuse(number, "piece \(piece) was called verified and is wrong on disk") }
        case .completed:
            hosts[number].completedAt = now
            if hosts[number].isHonest { completedCount += 1 }
        case .peerBanned(let address):
            guard let other = host(at: address) else { return }
            banned.insert(other)
            if hosts[other].isHonest { accuse(number, "honest h\(other) was banned") }
        case .pieceMismatched: break
        }
    }

    // MARK: Dialling

    private func dial(_ number: Int, _ address: PeerAddress) {
        let life = hosts[number].life
        note(number, "dial \(address)")
        guard let target = host(at: address), !hosts[target].hasVanished, cut(number, target) == nil else {
            let time = now + Self.dialTimeout.nanoseconds
            return queue.schedule(.dialFailed(number, life: life, address), at: time)
        }
        let delay = delay(number, target)
        let connection = SimulatedConnection(
            id: newConnection(), host: number, life: life, peerHost: target, remote: address, initiatedHere: true,
            delay: delay, window: window(number, target, delay), limits: messageLimits)
        // A SYN there and its answer back, and then the initiator speaks.
        queue.schedule(.dialArrived(connection), at: now + 2 * delay)
    }

    func dialArrived(_ connection: SimulatedConnection) {
        guard isCurrent(connection) else { return }
        let target = connection.peerHost
        guard hosts[target].isAlive else {
            return decide(connection.host, connection.life) { $0.swarm?.dialFailed(connection.remote, now: $1) ?? [] }
        }
        let port = UInt16(32768 + connection.id.number % 28000)
        let answer = SimulatedConnection(
            id: newConnection(), host: target, life: hosts[target].life, peerHost: connection.host,
            remote: PeerAddress(host: hosts[connection.host].address.host, port: port), initiatedHere: false,
            delay: connection.delay, window: connection.window, limits: messageLimits)
        connection.other = answer
        answer.other = connection
        sendHandshake(connection)
    }

    private func window(_ one: Int, _ other: Int, _ delay: Int64) -> Double {
        let rates = [one, other].flatMap { [hosts[$0].plan.uplink, hosts[$0].plan.downlink] }
        return (rates.min() ?? 0) * 2 * Double(delay) / 1e9 + Double(2 * PieceGeometry.blockLength * scenario.scale)
    }

    private func newConnection() -> Swarm.ConnectionID {
        defer { nextConnection += 1 }
        return Swarm.ConnectionID(nextConnection)
    }

    // MARK: Tracker

    private func announce(_ number: Int, _ event: AnnounceEvent?) {
        guard let peerID = hosts[number].peerID, let swarm = hosts[number].swarm else { return }
        let geometry = scenario.geometry
        let missing = Int64(geometry.pieceCount - swarm.have.count) * Int64(geometry.pieceLength)
        // A liar says that it is whole, so that it is found.
        let request = AnnounceRequest(
            infoHash: image.metainfo.infoHash, peerID: peerID, port: hosts[number].address.port,
            left: swarm.isComplete ? 0 : missing, event: event,
            rack: rackName(of: number))
        note(number, "announce \(event.map(\.rawValue) ?? "regular")")
        queue.schedule(
            .announceArrived(number, life: hosts[number].life, request), at: now + scenario.delay.nanoseconds)
    }

    /// The rack in which a host says it stands.
    func rackName(of number: Int) -> RackName? {
        scenario.tellsRacks ? RackName("r\(hosts[number].plan.rack)") : nil
    }

    func announceArrived(_ number: Int, _ life: Int, _ request: AnnounceRequest) {
        let isSilent = scenario.faults.trackerSilence?.contains(clock) ?? false
        if isSilent || isCutOff(number) {
            let time = now + Self.dialTimeout.nanoseconds
            return queue.schedule(.announceAnswered(number, life: life, request.event, nil), at: time)
        }
        let answer = tracker.announce(
            request, from: hosts[number].address.host, now: clock, using: &trackerRandom)
        queue.schedule(
            .announceAnswered(number, life: life, request.event, answer), at: now + scenario.delay.nanoseconds)
    }

    func announceAnswered(_ number: Int, _ life: Int, _ event: AnnounceEvent?, _ answer: AnnounceResponse?) {
        guard hosts[number].isAlive, hosts[number].life == life else { return }
        guard let answer, answer.failureReason == nil else {
            let jitter = Double.random(in: 0..<1, using: &hosts[number].random)
            return hosts[number].schedule.failed(at: clock, jitter: jitter)
        }
        hosts[number].schedule.answered(event, interval: answer.interval, at: clock)
        decide(number, life) { $0.swarm?.learned(answer.peers, now: $1) ?? [] }
    }
}
