// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Which pieces somebody who has everything offers to whom (BEP 6, “suggest piece”). Each piece is offered to one peer, so that
/// it leaves here once, and the others get it from that one: where everybody chooses alone, two choose the same the more often
/// the more there are.
struct Suggestions: Sendable {
    /// What one peer was offered.
    private struct Offer {
        /// Pieces it has not come for yet, in the order of the image.
        var open: [PieceIndex] = []
        /// How many it came for.
        var taken = 0
        /// Pieces it came for instead, since it last came for one that was offered.
        var ignored = 0
        /// When it last came for one that was offered, or could begin to.
        var since: Duration
    }

    /// Pieces that were neither offered nor given to anybody.
    private var fresh: Bitfield
    /// Pieces that were given to somebody.
    private var given: Bitfield
    private var offers: [Swarm.ConnectionID: Offer] = [:]
    /// Peers that do not come for what they are offered.
    private var deaf: Set<Swarm.ConnectionID> = []
    /// Where in the image the next offer is looked for.
    private var place: Int
    private let limits: SwarmLimits

    /// - Parameter place: where in the image to begin, so that several who have everything offer different things.
    init(geometry: PieceGeometry, startingAt place: Int, limits: SwarmLimits) {
        fresh = Bitfield(full: geometry)
        given = Bitfield(pieceCount: geometry.pieceCount)
        self.place = place
        self.limits = limits
    }

    /// Peers of which something is remembered.
    var peers: Set<Swarm.ConnectionID> { deaf.union(offers.keys) }

    /// More pieces for a peer to come for.
    /// - Parameters:
    ///   - have: what the peer has.
    ///   - rate: pieces a second that it takes; 0 while that is not known.
    ///   - served: how many peers are being served.
    mutating func more(
        for id: Swarm.ConnectionID, having have: Bitfield, rate: Double, served: Int, geometry: PieceGeometry,
        now: Duration
    ) -> [PieceIndex] {
        guard !fresh.isEmpty, !deaf.contains(id) else { return [] }
        var offer = offers[id] ?? Offer(since: now)
        // Until there is a rate, each piece that is taken makes room for another one.
        let usual = rate > 0 ? Int(min(rate * limits.suggestionTime, Double(limits.suggestions))) : offer.taken
        let share = fresh.count / max(1, limits.suggestionShares * served)
        let wanted = min(max(usual, limits.fewestSuggestions), limits.suggestions, max(share, 1))
        guard wanted > offer.open.count else { return [] }
        var found: [PieceIndex] = []
        let missing = wanted - offer.open.count
        fresh.forEach(outside: have, and: have, from: place) { number in
            if let piece = geometry.piece(number) { found.append(piece) }
            return found.count < missing
        }
        for piece in found { fresh.remove(piece) }
        if let last = found.last { place = last.number }
        if offer.open.isEmpty { offer.since = now }
        offer.open += found
        offers[id] = offer
        return found
    }

    /// This side begins to give a piece to a peer.
    mutating func gives(_ piece: PieceIndex, to id: Swarm.ConnectionID, now: Duration) {
        let isNew = given.insert(piece)
        let wasFresh = fresh.remove(piece)
        guard let index = offers[id]?.open.firstIndex(of: piece) else {
            offers[id]?.ignored += 1
            // It was offered to somebody else, who may come for something else, or for this all the same.
            if isNew, !wasFresh { forgo(piece) }
            return
        }
        offers[id]?.open.remove(at: index)
        offers[id]?.taken += 1
        offers[id]?.ignored = 0
        offers[id]?.since = now
    }

    private mutating func forgo(_ piece: PieceIndex) {
        for id in Array(offers.keys) {
            guard let index = offers[id]?.open.firstIndex(of: piece) else { continue }
            offers[id]?.open.remove(at: index)
            offers[id]?.ignored -= 1
        }
    }

    /// A peer has a piece, from whomever.
    mutating func gained(_ piece: PieceIndex, by id: Swarm.ConnectionID) {
        given.insert(piece)
        fresh.remove(piece)
        offers[id]?.open.removeAll { $0 == piece }
    }

    /// The peer cannot come for anything now: what it was offered is offered to others.
    mutating func withdraw(from id: Swarm.ConnectionID) {
        deaf.remove(id)
        guard let offer = offers.removeValue(forKey: id) else { return }
        for piece in offer.open where !given.contains(piece) { fresh.insert(piece) }
    }

    /// A connection ended.
    /// - Parameter lost: pieces that were given to this peer alone, and that it has not passed on as far as is known.
    mutating func forget(_ id: Swarm.ConnectionID, lost: [PieceIndex]) {
        withdraw(from: id)
        for piece in lost {
            given.remove(piece)
            fresh.insert(piece)
        }
    }

    /// Whoever does not come for what it is offered is offered nothing any more, until it has been choked.
    mutating func expire(now: Duration, isIdle: (Swarm.ConnectionID) -> Bool) {
        for (id, offer) in offers where !offer.open.isEmpty {
            let isLate = now - offer.since > limits.suggestionTerm && isIdle(id)
            guard isLate || offer.ignored > limits.ignoredSuggestions else { continue }
            withdraw(from: id)
            deaf.insert(id)
        }
    }
}
