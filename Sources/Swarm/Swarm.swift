// SPDX-License-Identifier: Apache-2.0

package import Metainfo
import PeerProtocol
package import TrackerProtocol

/// Everything decided for one image: which peer fetches which extent, what a finished piece is worth, who is served,
/// whom to dial and whom to ban.
///
/// It owns the pieces and the view of each connected peer. It sees a connection only through ``SessionReport`` and
/// ``SessionCommand``, at most once per extent or second, and no payload at all. Time and randomness come in as
/// parameters; what is to be done goes out as ``Effect`` values.
package struct Swarm: Sendable {
    /// Names one connection; the driver chooses it.
    package struct ConnectionID: Hashable, Comparable, Sendable, CustomStringConvertible {
        package let number: UInt64
        package init(_ number: UInt64) { self.number = number }
        package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
        package var description: String { "#\(number)" }
    }

    /// What the driver has to do, in order.
    package enum Effect: Equatable, Sendable {
        case command(ConnectionID, SessionCommand)
        case dial(PeerAddress)
        case fact(Fact)
    }

    /// What happened, for the journal, the logs and the people.
    package enum Fact: Equatable, Sendable {
        /// The piece's bytes are on disk and match its hash. It must be made durable before it is called complete.
        case pieceVerified(PieceIndex)
        /// The piece's bytes did not match; they are fetched again.
        case pieceMismatched(PieceIndex)
        case peerBanned(PeerAddress)
        case completed
    }

    package let metainfo: Metainfo
    package let limits: SwarmLimits
    let ownID: PeerID
    /// In which rack this side stands; `nil` when nobody said.
    let rack: RackName?
    var peers: [ConnectionID: PeerView] = [:]
    /// Who of them is served.
    var slots = UploadSlots()
    /// The connections in the order of their numbers, in which they are told things.
    var order: [ConnectionID] { slots.ids }
    /// How many of them have everything: it is asked with every piece, and looking at each peer's would copy its whole view.
    var seedCount = 0
    /// Bytes a second that all of them bring together, as of the last tick.
    private(set) var receivingRate = 0.0
    var pieces: PieceTable
    var addresses: AddressBook
    /// Connections that wait for work, in the order in which they asked.
    var hungry: [ConnectionID] = []
    /// Where connections led that are gone and may yet turn out to have brought wrong bytes, oldest first.
    var departed: [(id: ConnectionID, address: PeerAddress)] = []
    /// Who passes on what this side gives, if it has had everything from the start.
    var relaying: Relaying?
    var claims: Claims
    /// Who fetches what from other racks.
    var imports: Imports
    /// What this side offers, if it has had everything from the start.
    var suggestions: Suggestions?
    var isDownloading: Bool { !pieces.have.isFull }

    /// - Parameters:
    ///   - have: the pieces that are verified already, all-zero ones among them.
    ///   - ownID: this peer's id, which decides which of two connections to the same peer stays.
    ///   - rack: in which rack this side stands, if anybody said: what peers there have is not fetched from other racks.
    package init(
        metainfo: Metainfo, have: Bitfield, ownID: PeerID, rack: RackName? = nil, limits: SwarmLimits = SwarmLimits()
    ) {
        self.metainfo = metainfo
        self.limits = limits
        self.ownID = ownID
        self.rack = rack
        pieces = PieceTable(geometry: metainfo.geometry, have: have)
        addresses = AddressBook(limits: limits)
        claims = Claims(pieceCount: metainfo.geometry.pieceCount, limits: limits)
        imports = Imports(ownID: ownID, pieceCount: metainfo.geometry.pieceCount, limits: limits)
        if have.isFull {
            let place = ownID.bytes.reduce(0) { ($0 << 8 | Int($1)) % max(1, have.pieceCount) }
            suggestions = Suggestions(geometry: metainfo.geometry, startingAt: place, limits: limits)
            relaying = Relaying(pieceCount: metainfo.geometry.pieceCount, limits: limits)
        }
    }

    /// The pieces verified so far.
    package var have: Bitfield { pieces.have }
    /// Whether every piece is verified.
    package var isComplete: Bool { pieces.have.isFull }

    // MARK: Connections

    /// A connection finished its handshake.
    package mutating func connected(
        _ id: ConnectionID, to peer: PeerID, at address: PeerAddress, initiatedHere: Bool, now: Duration
    ) -> [Effect] {
        if peer == ownID {
            if initiatedHere { addresses.ban(address) }
            return [.command(id, .close(.selfConnection))]
        }
        func refuse(_ reason: CloseReason) -> [Effect] {
            if initiatedHere { addresses.failed(address, now: now) }
            return [.command(id, .close(reason))]
        }
        guard !addresses.isBanned(address) else { return refuse(.banned) }
        var effects: [Effect] = []
        if let (other, view) = peers.first(where: { $0.value.peerID == peer }) {
            // Both sides keep the connection that the greater peer id initiated, so they agree without a word.
            let keepsInitiator = ownID.bytes.lexicographicallyPrecedes(peer.bytes) ? peer : ownID
            let newInitiator = initiatedHere ? ownID : peer
            let oldInitiator = view.initiatedHere ? ownID : peer
            guard newInitiator == keepsInitiator, oldInitiator != keepsInitiator else { return refuse(.duplicate) }
            effects.append(.command(other, .close(.duplicate)))
            effects += disconnected(other, now: now)
        }
        if peers.count >= limits.connections {
            guard let useless = uselessPeer(at: now) else { return effects + refuse(.tooManyConnections) }
            effects.append(.command(useless, .close(.tooManyConnections)))
            effects += disconnected(useless, now: now)
        }
        addresses.connected(address, initiatedHere: initiatedHere)
        peers[id] = PeerView(
            peerID: peer, address: address, initiatedHere: initiatedHere, pieceCount: metainfo.geometry.pieceCount,
            at: now)
        slots.add(UploadSlot(waitsSince: now), of: id)
        return effects
    }

    /// Whether neither side has wanted anything of the other for a while. Whoever fetches from this side wants something
    /// at once; while this side fetches, the other may yet get something that it lacks.
    private func isUseless(_ id: ConnectionID, _ view: PeerView, at now: Duration) -> Bool {
        slots[id]?.isInterested == false && !view.isWanted
            && (!isDownloading || now - view.usefulAt > limits.idlePatience)
    }

    /// The connection that has been useless for longest, which makes room where all places are taken.
    private func uselessPeer(at now: Duration) -> ConnectionID? {
        peers.filter { isUseless($0.key, $0.value, at: now) }.min {
            ($0.value.usefulAt, $0.key) < ($1.value.usefulAt, $1.key)
        }?
        .key
    }

    /// A connection ended, for whatever reason.
    package mutating func disconnected(_ id: ConnectionID, now: Duration) -> [Effect] {
        guard let view = peers.removeValue(forKey: id) else { return [] }
        let wasInterested = slots[id]?.isInterested == true
        slots.remove(id)
        if view.pieces.isFull { seedCount -= 1 }
        hungry.removeAll { $0 == id }
        forget(view, now: now)
        // Who wants nothing any more has everything, and goes on serving it elsewhere.
        lose(id, all: wasInterested)
        claims.forget(id, geometry: metainfo.geometry)
        imports.forget(id, geometry: metainfo.geometry)
        pieces.forget(view.pieces)
        pieces.release(id)
        if pieces.involves(id) {
            departed.append((id, view.listenAddress ?? view.address))
            if departed.count > limits.rememberedSources { departed.removeFirst() }
        }
        return choke(now: now) + inquire(now: now) + feed(now: now)
    }

    /// The peer's address may be dialled again, unless another connection leads there too.
    private mutating func forget(_ view: PeerView, now: Duration) {
        guard let address = view.listenAddress, !peers.values.contains(where: { $0.listenAddress == address }) else {
            return
        }
        let wasUseful =
            view.received > 0 || view.sent > 0 || now - view.connectedAt >= limits.shortestConnection
        addresses.disconnected(address, wasUseful: wasUseful, now: now)
    }

    // MARK: Reports

    /// A connection's session reported something.
    package mutating func received(
        _ report: SessionReport, from id: ConnectionID, now: Duration, using random: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard slots[id] != nil else { return [] }
        switch report {
        case .pieces(let pieces): return learn(pieces, of: id, now: now)
        case .gained(let piece): return learn(piece, of: id, now: now)
        case .lost(let piece): return unlearn(piece, of: id, now: now)
        case .uploadOnly(let isUploadOnly):
            peers[id]?.isUploadOnly = isUploadOnly
            return redundant(id)
        case .claims(let claimed):
            // Who has everything fetches nothing.
            guard let view = peers[id], !view.pieces.isFull else { return [] }
            for piece in claimed where !pieces.have.contains(piece) {
                claims.claim(piece, by: id, now: now)
                if view.isNear { imports.claim(piece, by: id, view.peerID, now: now) }
            }
            return []
        case .suggested(let piece):
            // Only who has everything knows what nobody else was given.
            guard let view = peers[id], view.pieces.isFull, peers[id]?.suggested.insert(piece) == true else {
                return []
            }
            peers[id]?.suggests = true
            // It may suggest something else.
            guard !pieces.have.contains(piece) else { return [.command(id, .mention(piece))] }
            let time = max(limits.guidance, pieceTime(view) * 2)
            peers[id]?.guidedUntil = now + time
            return feed(id, salt: random.next(), now: now)
        case .interested(let isInterested):
            // Saying it again must not send the peer back to the end of the queue.
            guard slots[id]?.isInterested != isInterested else { return [] }
            slots[id]?.isInterested = isInterested
            peers[id]?.usefulAt = now
            if isInterested { slots[id]?.waitsSince = now }
            return choke(now: now)
        case .gives(let piece):
            relaying?.gives(piece, to: id)
            suggestions?.gives(piece, to: id, now: now)
            return suggest(to: id, now: now)
        case .listens(let port):
            // Only the first word counts: the address is one that this side then does not dial.
            guard let view = peers[id], view.listenPort == nil else { return [] }
            peers[id]?.listenPort = port
            if !view.initiatedHere, let address = peers[id]?.listenAddress { addresses.isConnected(address) }
            return []
        case .stands(let rack):
            guard peers[id]?.rack == nil else { return [] }
            peers[id]?.rack = rack
            let isForeign = self.rack.map { $0 != rack } ?? false
            peers[id]?.isForeign = isForeign
            slots[id]?.isForeign = isForeign
            peers[id]?.isNear = self.rack == rack
            return []
        case .serves(let serves):
            peers[id]?.serves = serves
            if !serves { peers[id]?.suggested = Bitfield(pieceCount: metainfo.geometry.pieceCount) }
            return []
        case .traffic(let received, let sent):
            peers[id]?.received += Int64(received)
            peers[id]?.sent += Int64(sent)
            slots[id]?.sent += Int64(sent)
            peers[id]?.usefulAt = now
            return []
        case .hungry(let blocks):
            peers[id]?.hunger = blocks
            guard blocks > 0 else {
                hungry.removeAll { $0 == id }
                return []
            }
            if !hungry.contains(id) { hungry.append(id) }
            return feed(id, salt: random.next(), now: now)
        case .returned(let extents):
            for extent in extents { pieces.free(extent, by: id) }
            return feed(now: now)
        case .leaves(let piece, let leaves): return settle(piece, leaves, from: id, now: now)
        case .leavesRefused(let piece):
            pieces.refused(piece, by: id)
            return inquire(now: now)
        case .leavesWrong: return convict(id, .wrongHashes, now: now) + feed(now: now)
        case .filled(let extent):
            guard let others = pieces.beginStoring(extent, by: id, now: now) else {
                return [.command(id, .cancel(extent))]
            }
            return [.command(id, .store(extent))] + others.map { .command($0, .cancel(extent)) }
        }
    }

    /// An extent that a ``SessionCommand/store(_:)`` named was hashed and written, as far as it was on loan.
    package mutating func stored(
        _ extent: Extent, hashes: LoanHashes, by id: ConnectionID, now: Duration
    ) -> [Effect] {
        switch pieces.stored(extent, hashes: hashes, by: id, now: now) {
        case .unfinished: return []
        case .wrong: return convict(id, .wrongData, now: now) + feed(now: now)
        case .finished(let finished):
            let hash = metainfo.geometry.pieceHash(extentRoots: finished.roots)
            guard hash == metainfo.hash(of: extent.piece) else { return mismatch(extent.piece, finished, now: now) }
            let effects = verified(extent.piece, finished, now: now)
            return isDownloading ? effects + feedNext(now: now) : effects
        }
    }

    /// An extent was not written, because it could not be or because its connection ended before the order to store it
    /// arrived. It is free again.
    package mutating func storeFailed(_ extent: Extent, by id: ConnectionID, now: Duration) -> [Effect] {
        pieces.free(extent, by: id)
        return feed(now: now)
    }

    // MARK: Time and addresses

    /// To be called about twice a second.
    package mutating func tick(now: Duration) -> [Effect] {
        receivingRate = 0
        // In order, since a sum of fractions depends on it, and a run must replay.
        for id in order {
            peers[id]?.measure(at: now)
            receivingRate += peers[id]?.downloadRate ?? 0
        }
        claims.expire(geometry: metainfo.geometry, now: now)
        lookAtImports(now: now)
        return choke(now: now) + suggest(now: now) + inquire(now: now) + feed(now: now) + dial(now: now)
    }

    /// Addresses of peers, from a tracker or the operator.
    package mutating func learned(_ found: [PeerAddress], now: Duration) -> [Effect] {
        for address in found { addresses.insert(address) }
        // A second connection would only take the place of the first, and lose what is asked of it.
        for address in peers.values.compactMap(\.listenAddress) { addresses.isConnected(address) }
        return dial(now: now)
    }

    /// A ``Effect/dial(_:)`` led to no connection.
    package mutating func dialFailed(_ address: PeerAddress, now: Duration) -> [Effect] {
        addresses.failed(address, now: now)
        return dial(now: now)
    }

    private mutating func dial(now: Duration) -> [Effect] {
        // A complete peer is found by those who need it; only a fetching one looks for others.
        guard isDownloading else { return [] }
        let useful = peers.count { !isUseless($0.key, $0.value, at: now) }
        return addresses.candidates(connections: useful, now: now).map { .dial($0) }
    }

    // MARK: Pieces

    private mutating func verified(
        _ piece: PieceIndex, _ finished: PieceTable.Finished, now: Duration
    ) -> [Effect] {
        let liars = pieces.verified(piece, finished)
        claims.end(piece)
        imports.end(piece)
        var effects: [Effect] = [.fact(.pieceVerified(piece))]
        let isUrgent = Int(pieces.availability[piece.number]) - seedCount < limits.urgentCopies || !isDownloading
        for id in order {
            if peers[id]?.pieces.contains(piece) == true {
                peers[id]?.wanted -= 1
                effects += interest(id, now: now)
                // Who suggests pieces hears of all that it did not give: it learns what is passed on, and by whom.
                if peers[id]?.suggests == true, !finished.sources.contains(id) {
                    effects.append(.command(id, .mention(piece)))
                }
            } else {
                effects.append(.command(id, isUrgent ? .have(piece) : .mention(piece)))
            }
        }
        for liar in liars.sorted() { effects += convict(liar, .wrongData, now: now) }
        guard !isDownloading else { return effects }
        // The session's own record of what may be served must be whole before the connection is judged.
        effects.append(.fact(.completed))
        for id in order { effects += redundant(id) }
        return effects
    }
}
