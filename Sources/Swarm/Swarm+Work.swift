// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import TrackerProtocol

/// Handing out work: rarest pieces first, a piece to one peer where that is possible, and in the endgame what somebody
/// else has had for too long.
extension Swarm {
    /// Gives work to every connection that waits for it.
    mutating func feed(now: Duration) -> [Effect] {
        hungry.flatMap { feed($0, salt: salt(for: $0), now: now) }
    }

    /// Gives what may begin now that a piece is here to those who have waited longest.
    mutating func feedNext(now: Duration) -> [Effect] {
        guard !hungry.isEmpty, room(now) > 0 else { return [] }
        for id in hungry.prefix(limits.fedAtOnce) {
            let effects = feed(id, salt: salt(for: id), now: now)
            guard effects.isEmpty else { return effects }
            // Nothing can be asked of it as things stand; it must not be in the way of others.
            hungry.removeAll { $0 == id }
            hungry.append(id)
        }
        return []
    }

    /// How many more pieces may begin.
    private func room(_ now: Duration) -> Int { pieces.room(window, after: limits.pieceTerm, now: now) }

    /// How many pieces may be under way at one time.
    private var window: Int {
        let bytes = max(Double(limits.bytesUnderWay), receivingRate * limits.timeUnderWay)
        // checked: both are finite and far below what a number holds.
        return max(limits.piecesUnderWay, Int(bytes / Double(metainfo.geometry.pieceLength)))
    }

    /// Gives work to one connection, if it waits for it.
    /// - Parameter salt: decides between equally rare pieces.
    mutating func feed(_ id: ConnectionID, salt: UInt64, now: Duration) -> [Effect] {
        // Most wait for nothing, and a look at the view costs a copy of it.
        guard let hunger = peers[id]?.hunger, hunger > 0, let view = peers[id], view.wanted > 0 else { return [] }
        var effects: [Effect] = []
        let extents = work(for: id, view, salt: salt, now: now, &effects)
        guard !extents.isEmpty else { return effects }
        peers[id]?.hunger = 0
        hungry.removeAll { $0 == id }
        effects.append(.command(id, .assign(extents.map { pieces.loan($0) })))
        return effects
    }

    /// A salt of its own for each host and connection, where no randomness is at hand.
    func salt(for id: ConnectionID) -> UInt64 {
        ownID.salt(id.number &+ UInt64(have.count))
    }

    private mutating func work(
        for id: ConnectionID, _ view: PeerView, salt: UInt64, now: Duration, _ effects: inout [Effect]
    ) -> [Extent] {
        // What is under way comes first: only a whole piece can be relayed.
        var blocksLeft = min(view.hunger, limits.batchLength / PieceGeometry.blockLength)
        var granted: [Extent] = []
        for extent in pieces.freeExtents(among: view.pieces, for: id) {
            guard blocksLeft > 0 else { break }
            granted.append(extent)
            blocksLeft -= pieces.loan(extent).blockCount
        }
        pieces.assign(granted, to: id, now: now)
        // A whole piece to one peer, up to the length of a batch: that keeps blame and relaying simple.
        let blocks = min(metainfo.geometry.blocksPerPiece, limits.batchLength / PieceGeometry.blockLength)
        let count = (max(blocksLeft, 0) + blocks - 1) / blocks
        let isSpared = isSpared(view)
        let isImport = view.isForeign && !isSpared
        let room = isSpared ? count : room(now)
        let started = begin(min(count, room), with: id, view, isSpared: isSpared, salt: salt, now: now)
        for piece in started {
            let extents = metainfo.geometry.extents(of: piece)
                .prefix(max(1, limits.batchLength / Extent.maximumLength))
            pieces.assign(Array(extents), to: id, isSpared: isSpared, now: now)
            granted += extents
        }
        if isSpared { effects += claim(started, toldTo: lacking(but: id)) }
        if isImport, !started.isEmpty {
            let others = importers(but: id)
            effects += claim(started, toldTo: others)
            for other in others { peers[other]?.isToldOfImports = true }
        }
        if granted.isEmpty, isSpared || isImport || room == 0, isSomethingLeft(view) { return [] }
        return granted.isEmpty ? endgame(for: id, view, now: now, &effects) : granted
    }

    /// Which pieces to begin with a peer. One that is spared is asked for what nobody else has or claims, and one in another rack
    /// for what nobody in this side's has or claims, as long as that is enough for it; when it was not for a while, it is asked
    /// for anything, so that nobody's word can hold this side up.
    private mutating func begin(
        _ count: Int, with id: Swarm.ConnectionID, _ view: PeerView, isSpared: Bool, salt: UInt64, now: Duration
    ) -> [PieceIndex] {
        // With half of what may be under way, this side is held up by nobody: there is only little left for this peer.
        let isBusy = view.isForeign && !isSpared && pieces.begun(within: limits.pieceTerm, now: now) * 2 >= window
        if isBusy { peers[id]?.sparedSince = nil }
        guard count > 0 else { return [] }
        let picker = RarestFirst(availability: pieces.availability, salt: salt)
        func choose(of candidates: Bitfield) -> [PieceIndex] {
            picker.choose(count, of: candidates, outside: pieces.have, and: pieces.started)
                .compactMap { metainfo.geometry.piece($0) }
        }
        func anything() -> [PieceIndex] {
            let offered = view.suggested.isEmpty ? [] : choose(of: view.suggested)
            guard offered.count < count else { return offered }
            return offered + choose(of: view.pieces).filter { !offered.contains($0) }.prefix(count - offered.count)
        }
        guard isSpared || view.isForeign, now >= view.unsparedUntil else { return anything() }
        // Who offers something in particular is asked for that alone while it goes on doing so: with each piece it gives.
        let isGuided = isSpared && now < view.guidedUntil
        var candidates = isGuided ? view.suggested : view.pieces
        candidates.subtract(isSpared ? elsewhere() : broughtByOthers())
        let begun = choose(of: candidates)
        guard begun.count < count, !isGuided || begun.isEmpty, !isBusy else {
            peers[id]?.sparedSince = nil
            return begun
        }
        guard let since = view.sparedSince else {
            let patience = max(isSpared ? limits.sparingPatience : limits.importPatience, pieceTime(view) * 3)
            peers[id]?.sparedSince = now
            peers[id]?.patience = patience
            return begun
        }
        let isIdle = pieces.started.isEmpty
        guard now - since >= (isIdle ? limits.idleSparingPatience : view.patience) else { return begun }
        peers[id]?.sparedSince = nil
        peers[id]?.unsparedUntil = now + (isIdle ? limits.idleUnsparedTime : limits.unsparedTime)
        return anything()
    }

    /// How long a piece takes that this peer brings, as far as that is known: on slow links nobody can offer or give
    /// anything more often.
    func pieceTime(_ view: PeerView) -> Duration {
        guard view.downloadRate >= limits.leastUsefulRate else { return .zero }
        let time = Duration.seconds(Double(metainfo.geometry.pieceLength) / view.downloadRate)
        return min(time, limits.longestPieceTime)
    }

    /// Whether a peer has a piece that nobody has begun.
    private func isSomethingLeft(_ view: PeerView) -> Bool {
        var isLeft = false
        view.pieces.forEach(outside: pieces.have, and: pieces.started, from: 0) { _ in
            isLeft = true
            return false
        }
        return isLeft
    }

    private func lacking(but id: ConnectionID) -> [ConnectionID] {
        order.filter { $0 != id && peers[$0]?.pieces.isFull == false }
    }

    /// Says that this side fetches these pieces, and others had better not.
    private func claim(_ started: [PieceIndex], toldTo others: [ConnectionID]) -> [Effect] {
        stride(from: 0, to: started.count, by: ExtendedMessage.claimLimit).flatMap { start in
            let some = Array(started.dropFirst(start).prefix(ExtendedMessage.claimLimit))
            return others.map { Effect.command($0, .claim(some)) }
        }
    }

    /// Whether a peer has everything and is one of few: what it is asked for should be what nobody else can give.
    func isSpared(_ view: PeerView) -> Bool {
        guard view.pieces.isFull else { return false }
        return (peers.count - seedCount) >= limits.sparedAmong * seedCount
    }

    /// The pieces that others serve this side with, or will, since they fetch them from those who have everything.
    private func elsewhere() -> Bitfield {
        var pieces = claims.pieces
        // What somebody only says to have is left to nobody.
        for view in peers.values
        where view.serves && !view.pieces.isFull && view.downloadRate >= limits.leastUsefulRate {
            pieces.formUnion(view.pieces)
        }
        return pieces
    }

    /// Nothing is free: an extent that others have had for long is asked of this peer as well, or a piece that one
    /// peer alone may deliver changes hands.
    private mutating func endgame(
        for id: ConnectionID, _ view: PeerView, now: Duration, _ effects: inout [Effect]
    ) -> [Extent] {
        if let extent = pieces.stealable(for: id, among: view.pieces, limits: limits, now: now) {
            pieces.assign([extent], to: id, now: now)
            return [extent]
        }
        guard let piece = pieces.overdue(for: id, among: view.pieces, limits: limits, now: now) else { return [] }
        for (extent, holder) in pieces.withdraw(piece) { effects.append(.command(holder, .cancel(extent))) }
        let extents = metainfo.geometry.extents(of: piece)
        pieces.assign(extents, to: id, now: now)
        return extents
    }
}
