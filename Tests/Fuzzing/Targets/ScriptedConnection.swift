// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import Swarm

/// One end of a connection, as a driver keeps it, and what the peer at the other end knows.
final class ScriptedConnection {
    /// Room for an extent: which blocks are there, and which of them are wrong.
    struct Room {
        var present: UInt64 = 0
        var wrong: UInt64 = 0
    }

    let id: Swarm.ConnectionID
    private unowned let host: ScriptedHost
    /// `nil` before the handshake and after the end.
    var session: PeerSession?
    private var decoder: MessageDecoder
    private var arriving: (block: BlockRequest, target: PeerSession.OnBlock)?
    /// Whether the block that arrives has the right bytes.
    private var isRight = true
    private var rooms: [Extent: Room] = [:]
    private var awaited: Extent?
    /// On their way to the swarm, and from it.
    private var reports: [SessionReport] = []
    var commands: [SessionCommand] = []
    private var reads: [[BlockRequest]] = []
    private var hashReads: [HashRequest] = []
    /// What this side asked of the peer.
    private var asked: [BlockRequest] = []
    private var hashesAsked: [HashRequest] = []
    private static let zeros = ByteBuffer(repeating: 0, count: SwarmLimits().longestRequest)

    init(_ id: Swarm.ConnectionID, _ host: ScriptedHost) {
        self.id = id
        self.host = host
        decoder = MessageDecoder(limits: SwarmLimits().messages(pieceCount: host.image.geometry.pieceCount))
    }

    // MARK: What the peer sends

    func receive(_ message: PeerMessage) throws {
        var buffer = ByteBuffer()
        MessageEncoder.encode(message, into: &buffer)
        try consume(&buffer)
    }

    func receive(_ bytes: [UInt8]) throws {
        var buffer = ByteBuffer(bytes: bytes)
        try consume(&buffer)
    }

    /// Answers requests, from the oldest or, by the script, from any place on.
    func answerRequests(_ count: Int, isRight: Bool, _ script: inout Script) throws {
        let start = script.number(below: max(1, min(asked.count, 256)))
        for _ in 0..<count where start < asked.count {
            let block = asked.remove(at: start)
            self.isRight = isRight
            var header = ByteBuffer()
            MessageEncoder.encodeBlockHeader(block, into: &header)
            try consume(&header)
            guard var bytes = Self.zeros.getSlice(at: 0, length: Int(block.length)) else { return }
            try consume(&bytes)
        }
        self.isRight = true
    }

    func rejectRequest(at place: Int) throws {
        guard place < asked.count else { return }
        try receive(.rejectRequest(asked.remove(at: place)))
    }

    /// Answers the oldest request for hashes: truly, wrongly, with a refusal, or with too few.
    func answerHashRequest(how: Int) throws {
        guard !hashesAsked.isEmpty else { return }
        let request = hashesAsked.removeFirst()
        let hashes = request.range(in: host.image.geometry).flatMap { host.image.hashes(for: $0) } ?? []
        switch how {
        case 0: try receive(.hashes(request, hashes))
        case 1: try receive(.hashes(request, hashes.reversed()))
        case 2: try receive(.hashReject(request))
        default: try receive(.hashes(request, Array(hashes.dropLast())))
        }
    }

    private func consume(_ buffer: inout ByteBuffer) throws {
        do {
            while session != nil, let event = try decoder.next(from: &buffer) {
                switch event {
                case .message(let message):
                    let now = host.now
                    try carryOut(try session?.received(message, at: now) ?? [])
                case .block(let block):
                    let target = try session?.blockStarted(block, at: host.now)
                    arriving = target.map { (block, $0) }
                case .blockBytes: break
                case .blockEnd: try blockEnded()
                }
            }
        } catch is ProtocolViolation {
            try close()
        }
    }

    private func blockEnded() throws {
        guard let (block, target) = arriving else { return }
        arriving = nil
        guard case .keep(let extent, let offset) = target, rooms[extent] != nil else { return }
        try expect(offset >= 0 && offset + Int(block.length) <= extent.length, "a block lies outside its extent")
        let bit: UInt64 = 1 << UInt64(offset / PieceGeometry.blockLength)
        rooms[extent]?.present |= bit
        if !isRight { rooms[extent]?.wrong |= bit }
        try act { $0.blockEnded(block, at: $1) }
    }

    // MARK: What this side does

    /// Lets the session decide and carries out what it says.
    func act(_ body: (inout PeerSession, Duration) -> [PeerSession.Effect]) throws {
        guard var session = session.take() else { return }
        let effects = body(&session, host.now)
        self.session = session
        try carryOut(effects)
    }

    private func carryOut(_ effects: [PeerSession.Effect]) throws {
        for effect in effects {
            switch effect {
            case .send(.request(let block)): asked.append(block)
            case .send(.hashRequest(let request)): hashesAsked.append(request)
            case .send(let message):
                var buffer = ByteBuffer()
                MessageEncoder.encode(message, into: &buffer)
            case .report(let report): reports.append(report)
            case .open(let extent): awaited = extent
            case .store(let loan): try store(loan)
            case .release(let extent):
                if awaited == extent { awaited = nil }
                rooms[extent] = nil
            case .serve(let run): reads.append(run)
            case .serveHashes(let request): hashReads.append(request)
            case .close: try close()
            }
        }
    }

    private func store(_ loan: Loan) throws {
        guard let room = rooms.removeValue(forKey: loan.extent) else { return try abandon(loan.extent) }
        try expect(loan.blocks & ~room.present == 0, "an extent is stored with holes")
        host.write(loan, wrong: room.wrong & loan.blocks, by: id)
    }

    private func abandon(_ extent: Extent) throws {
        try host.decide { $0.storeFailed(extent, by: id, now: $1) }
    }

    func grantRoom() throws {
        guard session != nil, let extent = awaited.take() else { return }
        rooms[extent] = Room()
        try act { $0.extentOpened(extent, at: $1) }
    }

    func finishReads() throws {
        if !reads.isEmpty {
            let run = reads.removeFirst()
            for block in run {
                let piece = try unwrap(host.image.geometry.piece(Int(block.piece)), "no such piece is served")
                try expect(host.swarm.have.contains(piece), "piece \(piece) is served and not verified")
            }
            try act { $0.served(bytes: run.reduce(0) { $0 + Int($1.length) }, at: $1) }
        }
        if !hashReads.isEmpty {
            let request = hashReads.removeFirst()
            let range = try unwrap(request.range(in: host.image.geometry), "hashes that do not exist are served")
            try act { session, _ in session.hashesMade(request, host.image.hashes(for: range)) }
        }
    }

    // MARK: Between session and swarm

    func deliverReports(_ count: Int) throws {
        for _ in 0..<min(count, reports.count) where !reports.isEmpty {
            try host.reported(reports.removeFirst(), from: id)
        }
        if session == nil, reports.isEmpty { try leave() }
    }

    func deliverCommands(_ count: Int) throws {
        for _ in 0..<min(count, commands.count) where !commands.isEmpty {
            let command = commands.removeFirst()
            switch command {
            case .store(let extent) where session == nil: try abandon(extent)
            default: try act { $0.perform(command, at: $1) }
            }
        }
    }

    /// The connection ends here; the swarm hears of it behind the reports that are on their way.
    func close() throws {
        guard session != nil else { return }
        session = nil
        (rooms, awaited, reads, hashReads) = ([:], nil, [], [])
    }

    private func leave() throws {
        guard host.connections.contains(where: { $0 === self }) else { return }
        try host.decide { $0.disconnected(id, now: $1) }
        // Orders that were on their way to it: only one to store something still matters.
        for case .store(let extent) in commands { try abandon(extent) }
        host.connections.removeAll { $0 === self }
    }
}
