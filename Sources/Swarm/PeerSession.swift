// SPDX-License-Identifier: Apache-2.0

package import Metainfo
package import PeerProtocol
package import TrackerProtocol

/// Everything decided for one connection after its handshake: which blocks are requested when, what of the peer's
/// requests is served, and when the connection has earned its end (BEP 3, 6, 10, 52).
///
/// It owns the connection's pipeline and queues. It does not own pieces: an extent is on loan from the image's
/// ``Swarm``, which alone knows what is verified. It sees no payload; a block's bytes go where ``OnBlock`` says.
package struct PeerSession: Sendable {
    /// What the driver has to do, in order.
    package enum Effect: Equatable, Sendable {
        case send(PeerMessage)
        case report(SessionReport)
        /// Find room for the extent's bytes, then call ``extentOpened(_:at:)``.
        case open(Extent)
        /// Hash these blocks of the extent's room and write them.
        case store(Loan)
        /// The extent's room is free again.
        case release(Extent)
        /// Read these consecutive blocks and send them, then call ``served(bytes:at:)``.
        case serve([BlockRequest])
        /// Put these hashes together, then call ``hashesMade(_:_:)``.
        case serveHashes(HashRequest)
        case close(CloseReason)
    }

    /// Where an arriving block's bytes go.
    package enum OnBlock: Equatable, Sendable {
        /// Into the extent's room, at this offset.
        case keep(Extent, offset: Int)
        /// Nowhere: it is a late answer.
        case discard
    }

    let metainfo: Metainfo
    package let limits: SwarmLimits
    package var geometry: PieceGeometry { metainfo.geometry }
    /// Both sides set the fast bit (BEP 6).
    package let isFast: Bool
    /// Both sides set the extension bit (BEP 10).
    package let isExtended: Bool
    /// The connection is about the version 2 torrent, so that hashes may be asked for (BEP 52).
    package let speaksV2: Bool

    var download: DownloadState
    var upload: UploadState
    var inquiries = LeafInquiries()
    var hashing: HashServing
    /// How often since the last tick the peer said all that it has at once.
    private var bitfieldsSinceTick = 0
    /// The number under which the peer takes the news that this side is complete (BEP 21); 0 when it does not.
    private var uploadOnlyID: UInt8 = 0
    /// The same for what this side fetches from those who have everything.
    private var claimsID: UInt8 = 0
    /// Pieces that the peer has claimed since the last tick.
    private var claimsSinceTick = 0
    /// Pieces that are verified and not announced yet.
    private var unmentioned: [PieceIndex] = []
    /// What the peer's messages made this session report since the last tick; the swarm's queue is bounded by it.
    private var reportsSinceTick = 0
    private var lastReceived: Duration
    private var lastSent: Duration
    private var lastTraffic: Duration
    private var sentBefore = 0
    private var receivedBefore = 0

    /// A session that begins at `now`, right after the handshakes.
    /// - Parameter have: the pieces that are verified and may be served.
    package init(
        metainfo: Metainfo, have: Bitfield, isFast: Bool, isExtended: Bool, speaksV2: Bool, limits: SwarmLimits,
        at now: Duration
    ) {
        self.metainfo = metainfo
        self.limits = limits
        self.isFast = isFast
        self.isExtended = isExtended
        self.speaksV2 = speaksV2
        hashing = HashServing(limits: limits)
        download = DownloadState(limits: limits, at: now)
        upload = UploadState(have: have, limits: limits)
        lastReceived = now
        lastSent = now
        lastTraffic = now
    }

    /// The first messages: the extended handshake, and what this side has (BEP 10, BEP 6).
    package mutating func start(listenPort: UInt16?, client: String, rack: RackName? = nil) -> [Effect] {
        var effects: [Effect] = []
        if isExtended {
            var handshake = ExtendedHandshake()
            handshake.listenPort = listenPort
            handshake.client = client
            handshake.rack = rack
            handshake.requestQueue = limits.queuedRequests
            handshake.longestRequest = limits.longestRequest
            handshake.extensions = ExtendedMessage.offered
            handshake.isUploadOnly = upload.have.isFull
            effects.append(.send(.extended(id: ExtendedHandshake.messageID, payload: handshake.encoded)))
        }
        switch (upload.have.isEmpty, upload.have.isFull) {
        case (true, _) where isFast: effects.append(.send(.haveNone))
        case (true, _): break
        case (_, true) where isFast: effects.append(.send(.haveAll))
        default: effects.append(.send(.bitfield(upload.have.wire)))
        }
        return effects
    }

    /// A message arrived.
    /// - Throws: the violation that ends the connection.
    package mutating func received(
        _ message: PeerMessage, at now: Duration
    ) throws(ProtocolViolation) -> [Effect] {
        lastReceived = now
        if message.isFast, !isFast { throw .fastNotNegotiated }
        let effects = withNews(try answer(message, at: now))
        for case .report in effects { reportsSinceTick += 1 }
        guard reportsSinceTick <= limits.reportsPerTick + geometry.pieceCount else { throw .flood }
        return effects
    }

    private mutating func answer(
        _ message: PeerMessage, at now: Duration
    ) throws(ProtocolViolation) -> [Effect] {
        switch message {
        case .keepAlive, .port, .allowedFast, .unknown: return []
        case .suggestPiece(let number): return [.report(.suggested(try piece(number)))]
        case .choke:
            let served = !download.isChoked
            return choked(at: now) + (served ? [.report(.serves(false))] : [])
        case .unchoke:
            let served = !download.isChoked
            download.unchoked(at: now)
            return (served ? [] : [.report(.serves(true))]) + fill(at: now)
        case .interested: return [.report(.interested(true))]
        case .notInterested: return [.report(.interested(false))]
        case .have(let number): return [.report(.gained(try piece(number)))]
        case .bitfield(let bytes):
            guard let pieces = Bitfield(wire: bytes, pieceCount: geometry.pieceCount) else { throw .badBitfield }
            return try tell(pieces)
        case .haveAll: return try tell(Bitfield(full: geometry))
        case .haveNone: return try tell(Bitfield(pieceCount: geometry.pieceCount))
        case .request(let block): return try requested(block)
        case .cancel(let block): return cancelled(block)
        case .rejectRequest(let block): return rejected(block, at: now)
        case .extended(let id, let payload): return try extended(id, payload, at: now)
        case .hashRequest(let request): return hashesRequested(request)
        case .hashes(let request, let hashes): return try self.hashes(request, hashes)
        case .hashReject(let request): return try hashesRejected(request)
        }
    }

    /// The image's ``Swarm`` decided something for this connection.
    package mutating func perform(_ command: SessionCommand, at now: Duration) -> [Effect] {
        // A claim is so short, and said so often, that news would not wait for each other any more.
        if case .claim = command { return carryOut(command, at: now) }
        return withNews(carryOut(command, at: now))
    }

    private mutating func carryOut(_ command: SessionCommand, at now: Duration) -> [Effect] {
        switch command {
        case .assign(let loans): return assign(loans, at: now)
        case .cancel(let extent): return cancel(extent, at: now)
        case .store(let extent): return store(extent, at: now)
        case .askLeaves(let piece): return askLeaves(of: piece, at: now)
        case .setInterested(let isInterested): return [.send(isInterested ? .interested : .notInterested)]
        case .setChoking(let isChoking): return setChoking(isChoking)
        case .have(let piece): return gained(piece)
        case .mention(let piece):
            upload.have.insert(piece)
            unmentioned.append(piece)
            return upload.have.isFull || unmentioned.count >= limits.unmentionedPieces ? news() : []
        case .claim(let pieces): return claim(pieces)
        case .suggest(let pieces): return isFast ? pieces.map { .send(.suggestPiece(UInt32($0.number))) } : []
        case .close(let reason): return [.close(reason)]
        }
    }

    /// What `decide` makes of this session, which is changed where it lies.
    package mutating func decided(by decide: (inout PeerSession) -> [Effect]) -> [Effect] { decide(&self) }

    /// To be called about twice a second.
    package mutating func tick(at now: Duration) -> [Effect] {
        if now - lastReceived > limits.idleTimeout { return [.close(.idle)] }
        reportsSinceTick = 0
        bitfieldsSinceTick = 0
        claimsSinceTick = 0
        renewHashAllowance()
        var effects = overdueInquiries(at: now)
        if now - lastSent > limits.keepAliveInterval { effects.append(.send(.keepAlive)) }
        effects += measure(at: now)
        effects += patience(at: now)
        return news() + effects + fill(at: now)
    }

    /// Bytes went out on the connection.
    package mutating func sent(at now: Duration) { lastSent = now }

    /// Bytes came in on the connection, a message or a part of one.
    package mutating func heard(at now: Duration) { lastReceived = now }

    private mutating func measure(at now: Duration) -> [Effect] {
        let elapsed = (now - lastTraffic).seconds
        guard elapsed >= 0.25 else { return [] }
        let received = download.bytesReceived - receivedBefore
        let sent = upload.bytesSent - sentBefore
        download.measure(received: received, seconds: elapsed, limits: limits)
        upload.measure(sent: sent, seconds: elapsed, limits: limits)
        lastTraffic = now
        receivedBefore = download.bytesReceived
        sentBefore = upload.bytesSent
        return received > 0 || sent > 0 ? [.report(.traffic(received: received, sent: sent))] : []
    }

    /// The peer says all that it has. BEP 3 has it do so first or never; aria2 does it again, in place of many haves at
    /// once.
    private mutating func tell(_ pieces: Bitfield) throws(ProtocolViolation) -> [Effect] {
        bitfieldsSinceTick += 1
        let most = max(2, min(limits.bitfieldsPerTick, limits.bitfieldPiecesPerTick / geometry.pieceCount))
        guard bitfieldsSinceTick <= most else { throw .flood }
        return [.report(.pieces(pieces))]
    }

    private mutating func extended(
        _ id: UInt8, _ payload: [UInt8], at now: Duration
    ) throws(ProtocolViolation) -> [Effect] {
        guard isExtended else { return [] }
        guard id == ExtendedHandshake.messageID else {
            switch try ExtendedMessage(id: id, payload: payload) {
            case .dontHave(let number): return [.report(.lost(try piece(number)))]
            case .uploadOnly(let isUploadOnly): return [.report(.uploadOnly(isUploadOnly))]
            case .claims(let numbers):
                var pieces: [PieceIndex] = []
                for number in numbers { pieces.append(try piece(number)) }
                // More than anybody can fetch is passed over.
                claimsSinceTick += numbers.count
                return claimsSinceTick <= limits.claimsPerTick ? [.report(.claims(pieces))] : []
            case nil: return []
            }
        }
        let handshake = try ExtendedHandshake(payload)
        if let queue = handshake.requestQueue, queue > 0 { download.peerQueue = queue }
        if let length = handshake.longestRequest {
            download.blocksPerRequest = max(1, min(length / PieceGeometry.blockLength, limits.blocksPerRequest))
        }
        uploadOnlyID = handshake.extensions[ExtendedMessage.uploadOnlyName] ?? 0
        claimsID = handshake.extensions[ExtendedMessage.claimsName] ?? 0
        var effects: [Effect] = handshake.isUploadOnly ? [.report(.uploadOnly(true))] : []
        if let port = handshake.listenPort, port > 0 { effects.append(.report(.listens(port))) }
        if let rack = handshake.rack { effects.append(.report(.stands(in: rack))) }
        return effects
    }

    /// A piece is verified: it is announced and served from now on.
    private mutating func gained(_ piece: PieceIndex) -> [Effect] {
        upload.have.insert(piece)
        unmentioned.append(piece)
        return news()
    }

    /// Announces what is verified and was not announced yet.
    private mutating func news() -> [Effect] {
        guard !unmentioned.isEmpty else { return [] }
        let haves = unmentioned.map { Effect.send(.have(UInt32($0.number))) }
        unmentioned.removeAll(keepingCapacity: true)
        guard upload.have.isFull, uploadOnlyID != 0 else { return haves }
        return haves + [.send(.extended(id: uploadOnlyID, payload: [1]))]
    }

    /// When something is said anyway, the news goes along, since a message of its own costs both sides more than its bytes.
    private mutating func withNews(_ effects: [Effect]) -> [Effect] {
        let isTalking = effects.contains { effect in
            switch effect {
            case .send, .serve: true
            default: false
            }
        }
        return isTalking ? news() + effects : effects
    }

    private func claim(_ pieces: [PieceIndex]) -> [Effect] {
        guard claimsID != 0, !pieces.isEmpty else { return [] }
        let numbers = pieces.prefix(ExtendedMessage.claimLimit).map { UInt32($0.number) }
        return [.send(.extended(id: claimsID, payload: ExtendedMessage.encode(claims: numbers)))]
    }

    func piece(_ number: UInt32) throws(ProtocolViolation) -> PieceIndex {
        guard let piece = geometry.piece(Int(number)) else { throw .outOfRange }
        return piece
    }
}

extension Duration {
    /// The duration in seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
