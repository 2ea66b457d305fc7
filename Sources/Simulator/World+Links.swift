// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import Swarm

/// Bytes on their way: turns on the uplink, delay, the downlink.
extension World {
    func enqueue(_ segment: SimulatedConnection.Segment, _ connection: SimulatedConnection) {
        if isNews(segment) {
            if let other = connection.other { send(segment, connection, other) }
            return
        }
        connection.queue.append(segment)
        connection.queuedBytes += Int(length(segment))
        guard !connection.isScheduled else { return }
        connection.isScheduled = true
        hosts[connection.host].turns.append(connection)
        sendNext(connection.host)
    }

    /// The longest messages that a connection takes.
    var messageLimits: MessageLimits { scenario.limits.messages(pieceCount: scenario.geometry.pieceCount) }

    /// The segment's length on a link.
    private func length(_ segment: SimulatedConnection.Segment) -> Double { segment.linkLength(scale: scenario.scale) }

    /// Whether a segment is short beside the long blocks of a coarse run, between whose packets it would go.
    private func isNews(_ segment: SimulatedConnection.Segment) -> Bool {
        if scenario.scale > 1, case .bytes = segment { true } else { false }
    }

    private func sendNext(_ number: Int) {
        while !hosts[number].isSending, !hosts[number].turns.isEmpty {
            let connection = hosts[number].turns.removeFirst()
            // With its window full, a connection waits until something of it has arrived.
            guard connection.phase != .closed, !connection.queue.isEmpty, connection.inFlight < connection.window
            else {
                connection.isScheduled = false
                continue
            }
            let segment = connection.queue.removeFirst()
            let length = length(segment)
            connection.queuedBytes -= Int(length)
            connection.inFlight += length
            hosts[number].isSending = true
            let time = length / hosts[number].plan.uplink * 1e9
            queue.schedule(
                .uplinkDone(number, life: hosts[number].life, connection, segment), at: now + Int64(time))
        }
    }

    func uplinkDone(
        _ number: Int, _ life: Int, _ connection: SimulatedConnection, _ segment: SimulatedConnection.Segment
    ) {
        guard hosts[number].isAlive, hosts[number].life == life else { return }
        hosts[number].isSending = false
        if let other = connection.other { send(segment, connection, other) }
        if connection.phase == .closed || connection.queue.isEmpty {
            connection.isScheduled = false
        } else {
            hosts[number].turns.append(connection)
        }
        if case .block(_, let block, _, let served) = segment {
            if hosts[number].plan.isSeed, hosts[number].isHonest { seedBytes += bytes(of: block) }
            if served > 0 { act(connection) { $0.served(bytes: served, at: $1) } }
        }
        sendNext(number)
    }

    /// What has left its host goes on: through the links of two racks, over the wire, and down to the receiver. Each link
    /// is handed out in the order in which segments leave their senders, which differs from that of their arrival only
    /// by the difference of two delays.
    func send(
        _ segment: SimulatedConnection.Segment, _ connection: SimulatedConnection, _ other: SimulatedConnection
    ) {
        let (sender, receiver) = (connection.host, other.host)
        if let end = cut(sender, receiver) {
            return queue.schedule(.held(connection, other, segment), at: end)
        }
        let length = length(segment)
        if isNews(segment) {
            // checked: a link that carries nothing is in no scenario.
            let slowest = min(hosts[sender].plan.uplink, hosts[receiver].plan.downlink)
            other.lastNews = max(other.lastNews, now + connection.delay + Int64(length / slowest * 1e9))
            return queue.schedule(.delivered(other, segment), at: other.lastNews)
        }
        var time = now
        let (from, to) = (hosts[sender].plan.rack, hosts[receiver].plan.rack)
        if from != to {
            if case .block(_, let block, _, _) = segment {
                rackCrossingBytes += bytes(of: block)
                rackEnteringBytes[to, default: 0] += bytes(of: block)
            }
            if let rate = scenario.rackLink {
                let span = Int64(length / rate * 1e9)
                time = max(time, rackOutFree[from, default: 0]) + span
                rackOutFree[from] = time
                time = max(time, rackInFree[to, default: 0] + span)
                rackInFree[to] = time
            }
        }
        let span = Int64(length / hosts[receiver].plan.downlink * 1e9)
        time = max(time + connection.delay, hosts[receiver].downlinkFree) + span
        hosts[receiver].downlinkFree = time
        other.lastDelivery = max(other.lastDelivery, time)
        queue.schedule(.delivered(other, segment), at: other.lastDelivery)
    }

    /// Something of a connection has arrived, so that more may leave.
    private func acknowledge(_ length: Double, _ connection: SimulatedConnection) {
        connection.inFlight -= length
        guard !connection.isScheduled, isCurrent(connection), !connection.queue.isEmpty else { return }
        connection.isScheduled = true
        hosts[connection.host].turns.append(connection)
        sendNext(connection.host)
    }

    func delivered(_ connection: SimulatedConnection, _ segment: SimulatedConnection.Segment) {
        guard isCurrent(connection) else {
            // A host that came back knows nothing of its old connections and says so.
            if hosts[connection.host].isAlive, let other = connection.other, isCurrent(other), other.phase != .closed {
                queue.schedule(.remoteClosed(other), at: now + connection.delay)
            }
            return
        }
        if !isNews(segment), let sender = connection.other { acknowledge(length(segment), sender) }
        guard connection.phase != .closed else { return }
        switch segment {
        case .bytes(let buffer):
            var buffer = buffer
            if connection.phase == .handshaking { shakeHands(connection, &buffer) }
            consume(&buffer, connection, isWrong: false)
        case .block(let header, let block, let isWrong, _):
            var header = header
            consume(&header, connection, isWrong: isWrong)
            // The block's bytes come in two parts, as they would from a socket.
            let half = Int(block.length) / 2
            for length in [half, Int(block.length) - half] {
                guard var part = stuffing.getSlice(at: 0, length: length) else { continue }
                consume(&part, connection, isWrong: isWrong)
            }
        }
        flush(connection)
    }

    /// One end is closed: it forgets everything, and the other end learns of it after what is already on its way.
    func closed(_ connection: SimulatedConnection, _ reason: @autoclosure () -> String) {
        guard connection.phase != .closed, isCurrent(connection) else { return }
        note(connection.host, connection, "close \(reason())")
        let wasTalking = connection.phase == .talking
        connection.phase = .closed
        connection.queue.removeAll()
        connection.queuedBytes = 0
        connection.session = nil
        connection.awaited = nil
        for _ in connection.rooms { giveBackRoom(connection.host) }
        connection.rooms = [:]
        if wasTalking {
            let time = max(connection.lastReport, now + random.duration(upTo: scenario.hop).nanoseconds)
            queue.schedule(.gone(connection), at: time)
        } else if connection.initiatedHere {
            queue.schedule(.dialFailed(connection.host, life: connection.life, connection.remote), at: now)
        }
        tellOther(connection)
    }

    /// The other end learns that this one is closed, after what is already on its way.
    func tellOther(_ connection: SimulatedConnection) {
        guard let other = connection.other, other.phase != .closed else { return }
        if let end = cut(connection.host, other.host) { return queue.schedule(.heldClose(connection), at: end) }
        queue.schedule(.remoteClosed(other), at: max(other.lastDelivery, now + connection.delay))
    }
}
