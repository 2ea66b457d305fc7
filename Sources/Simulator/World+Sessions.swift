// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import Swarm
import TrackerProtocol

/// What the NIO driver's channel handler does for a connection: handshake, messages in, effects out.
extension World {
    // MARK: Handshake

    func sendHandshake(_ connection: SimulatedConnection) {
        guard let peerID = hosts[connection.host].peerID else { return }
        var buffer = ByteBuffer()
        Handshake(infoHash: image.metainfo.infoHash, peerID: peerID).encode(into: &buffer)
        enqueue(.bytes(buffer), connection)
    }

    func shakeHands(_ connection: SimulatedConnection, _ buffer: inout ByteBuffer) {
        do throws(ProtocolViolation) {
            guard let theirs = try Handshake.decode(from: &buffer) else { return }
            if !connection.initiatedHere { sendHandshake(connection) }
            connection.phase = .talking
            let id = connection.id
            decide(connection.host, connection.life) { host, now in
                host.connections[id] = connection
                return host.swarm?.connected(
                    id, to: theirs.peerID, at: connection.remote, initiatedHere: connection.initiatedHere, now: now)
                    ?? []
            }
            guard let swarm = hosts[connection.host].swarm, swarm.address(of: id) != nil else { return }
            connection.session = PeerSession(
                metainfo: image.metainfo, have: swarm.have, isFast: theirs.supportsFast,
                isExtended: theirs.supportsExtensions, speaksV2: true, limits: scenario.limits, at: clock)
            let port = hosts[connection.host].address.port
            let rack = rackName(of: connection.host)
            act(connection) { session, _ in session.start(listenPort: port, client: "simulated", rack: rack) }
        } catch {
            closed(connection, "\(error)")
        }
    }

    // MARK: Messages

    func consume(_ buffer: inout ByteBuffer, _ connection: SimulatedConnection, isWrong: Bool) {
        do throws(ProtocolViolation) {
            while connection.phase == .talking, connection.session != nil,
                let event = try connection.decoder.next(from: &buffer)
            {
                switch event {
                case .message(let message):
                    note(connection.host, connection, "got \(message.word)")
                    let effects = try connection.session?.received(message, at: clock)
                    carryOut(effects ?? [], connection)
                case .block(let block):
                    if let target = try connection.session?.blockStarted(block, at: clock) {
                        connection.arriving = (block, target)
                    }
                case .blockBytes: break
                case .blockEnd: blockEnded(connection, isWrong: isWrong)
                }
            }
        } catch {
            note(connection.host, connection, "violation \(error)")
            if hosts[connection.peerHost].isHonest {
                accuse(connection.host, connection, "honest h\(connection.peerHost) violates the protocol: \(error)")
            }
            closed(connection, "\(error)")
        }
    }

    private func blockEnded(_ connection: SimulatedConnection, isWrong: Bool) {
        guard let (block, target) = connection.arriving else { return }
        connection.arriving = nil
        receivedBytes += bytes(of: block)
        guard case .keep(let extent, let offset) = target, connection.rooms[extent] != nil else {
            duplicateBytes += bytes(of: block)
            note(connection.host, connection, "late \(block.word)")
            return
        }
        for start in stride(from: offset, to: offset + Int(block.length), by: PieceGeometry.blockLength) {
            let bit: UInt64 = 1 << UInt64(start / PieceGeometry.blockLength)
            connection.rooms[extent]?.present |= bit
            if isWrong { connection.rooms[extent]?.wrong |= bit }
        }
        act(connection) { $0.blockEnded(block, at: $1) }
    }

    // MARK: Effects

    /// Lets a session decide and carries out what it says.
    func act(_ connection: SimulatedConnection, _ body: (inout PeerSession, Duration) -> [PeerSession.Effect]) {
        let now = clock
        guard isCurrent(connection), connection.phase == .talking,
            let effects = connection.session?.decided(by: { body(&$0, now) })
        else { return }
        carryOut(effects, connection)
        flush(connection)
    }

    func perform(_ commands: [SessionCommand], _ connection: SimulatedConnection) {
        guard isCurrent(connection) else { return }
        for command in commands {
            note(connection.host, connection, "command \(command.word)")
            switch command {
            case .store(let extent) where connection.phase != .talking: abandon(extent, connection)
            case .close(let reason) where connection.session == nil: closed(connection, reason.description)
            default: act(connection) { $0.perform(command, at: $1) }
            }
        }
    }

    private func carryOut(_ effects: [PeerSession.Effect], _ connection: SimulatedConnection) {
        for effect in effects {
            // An effect may have ended the connection, or the whole host.
            guard connection.phase == .talking else { return }
            switch effect {
            case .send(let message):
                if case .have(let number) = message { checkServed(Int(number), connection) }
                MessageEncoder.encode(message, into: &connection.output)
            case .report(let report):
                note(connection.host, connection, "report \(report.word)")
                // A host that takes no time to tell itself something is told at once.
                if scenario.hop == .zero {
                    reported(connection, report)
                    continue
                }
                let time = max(connection.lastReport, now + random.duration(upTo: scenario.hop).nanoseconds)
                connection.lastReport = time
                queue.schedule(.report(connection, report), at: time)
            case .open(let extent): open(extent, connection)
            case .store(let loan): store(loan, connection)
            case .release(let extent):
                if connection.awaited == extent { connection.awaited = nil }
                if connection.rooms.removeValue(forKey: extent) != nil { giveBackRoom(connection.host) }
            case .serve(let run):
                let length = run.reduce(0) { $0 + Int($1.length) }
                queue.schedule(.read(connection, run), at: disk(connection.host, length))
            case .serveHashes(let request):
                let range = request.range(in: scenario.geometry)
                let length = range?.piece.map { scenario.geometry.length(of: $0) } ?? 0
                queue.schedule(.hashesRead(connection, request), at: disk(connection.host, length))
            case .close(let reason): closed(connection, reason.description)
            }
        }
    }

    func flush(_ connection: SimulatedConnection) {
        guard connection.output.readableBytes > 0 else { return }
        let buffer = connection.output
        connection.output = ByteBuffer()
        guard connection.phase == .talking else { return }
        connection.session?.sent(at: clock)
        enqueue(.bytes(buffer), connection)
    }

    // MARK: Memory and disk

    private func open(_ extent: Extent, _ connection: SimulatedConnection) {
        guard hosts[connection.host].freeRooms == 0 else {
            hosts[connection.host].freeRooms -= 1
            return opened(extent, connection)
        }
        connection.awaited = extent
        hosts[connection.host].roomWaiters.append((connection, extent))
    }

    private func opened(_ extent: Extent, _ connection: SimulatedConnection) {
        connection.rooms[extent] = SimulatedConnection.Room()
        act(connection) { $0.extentOpened(extent, at: $1) }
    }

    func roomGranted(_ connection: SimulatedConnection, _ extent: Extent) {
        guard isCurrent(connection) else { return }
        guard connection.phase == .talking, connection.awaited == extent else { return giveBackRoom(connection.host) }
        connection.awaited = nil
        opened(extent, connection)
    }

    func giveBackRoom(_ number: Int) {
        guard !hosts[number].roomWaiters.isEmpty else {
            hosts[number].freeRooms += 1
            return
        }
        let (connection, extent) = hosts[number].roomWaiters.removeFirst()
        queue.schedule(.roomGranted(connection, extent), at: now)
    }

    private func store(_ loan: Loan, _ connection: SimulatedConnection) {
        let extent = loan.extent
        if let full = hosts[connection.host].plan.fullDisk, full.contains(clock) {
            return diskFilled(connection.host, until: full.upperBound)
        }
        guard let room = connection.rooms.removeValue(forKey: extent) else { return abandon(extent, connection) }
        // A block that never arrived holds what was in the memory before, which is wrong too.
        let wrong = (room.wrong | ~room.present) & loan.blocks
        if wrong & ~room.wrong != 0 { accuse(connection.host, connection, "extent \(extent.word) stored with holes") }
        queue.schedule(
            .written(connection.host, life: connection.life, connection.id, loan, wrong: wrong),
            at: disk(connection.host, loan.length))
    }

    private func abandon(_ extent: Extent, _ connection: SimulatedConnection) {
        queue.schedule(.abandoned(connection, extent), at: now + random.duration(upTo: scenario.hop).nanoseconds)
    }

    func written(_ number: Int, _ life: Int, _ id: Swarm.ConnectionID, _ loan: Loan, _ wrong: UInt64) {
        guard hosts[number].isAlive, hosts[number].life == life else { return }
        giveBackRoom(number)
        let extent = loan.extent
        let before = hosts[number].disk[extent.piece.number][extent.number]
        if !loan.isWhole, before == nil { accuse(number, "a part of \(extent.word) was stored before the rest") }
        hosts[number].disk[extent.piece.number][extent.number] = (before ?? 0) & ~loan.blocks | wrong
        if hosts[number].verified.contains(extent.piece), wrong != 0 {
            accuse(number, "a late write spoiled the verified piece \(extent.piece)")
        }
        note(number, "stored \(loan.word) by \(id)\(wrong == 0 ? "" : " wrong=\(wrong.nonzeroBitCount)")")
        let hashes = image.hashes(of: loan, wrong: wrong)
        decide(number, life) { $0.swarm?.stored(extent, hashes: hashes, by: id, now: $1) ?? [] }
    }

    /// A piece was read and hashed for a peer that asked for its leaves. A liar answers wrongly, not at all, or
    /// truly.
    func sendHashes(_ request: HashRequest, _ connection: SimulatedConnection) {
        guard isCurrent(connection), connection.phase == .talking else { return }
        var hashes = image.hashes(for: request)
        if !hosts[connection.host].isHonest {
            switch hosts[connection.host].random.next() % 4 {
            case 0: return
            case 1: hashes = nil
            case 2: hashes = hashes.map { Array($0.reversed()) }
            default: break
            }
        }
        act(connection) { session, _ in session.hashesMade(request, hashes) }
    }

    /// When a read or write of `length` bytes that is asked for now will be done: one after another, at 1 GB/s.
    private func disk(_ number: Int, _ length: Int) -> Int64 {
        let start = max(now, hosts[number].diskFree)
        hosts[number].diskFree = start + Int64(length) * Int64(scenario.scale)
        return hosts[number].diskFree + hosts[number].plan.diskDelay.nanoseconds
    }

    /// Blocks were read: they go out with their headers, wrong ones from a liar.
    func send(_ run: [BlockRequest], _ connection: SimulatedConnection) {
        guard isCurrent(connection), connection.phase == .talking else { return }
        var rest = run.reduce(0) { $0 + Int($1.length) }
        let length = rest
        for block in run {
            checkServed(Int(block.piece), connection)
            var header = ByteBuffer()
            MessageEncoder.encodeBlockHeader(block, into: &header)
            let lies = hosts[connection.host].plan.lies
            let isWrong = hosts[connection.host].random.happens(lies)
            let end = block.begin + block.length
            for begin in stride(from: block.begin, to: end, by: PieceGeometry.blockLength) {
                let part = BlockRequest(
                    piece: block.piece, begin: begin, length: min(end - begin, UInt32(PieceGeometry.blockLength)))
                rest -= Int(part.length)
                enqueue(.block(header, part, isWrong: isWrong, served: rest == 0 ? length : 0), connection)
                header = ByteBuffer()
            }
        }
    }
}
