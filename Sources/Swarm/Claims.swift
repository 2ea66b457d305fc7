// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Which missing pieces others are fetching from those who have everything. While few have everything, what they send twice
/// is sent at everybody's cost: a piece that somebody has begun to fetch there is better taken from that peer, as soon as it
/// has it.
struct Claims: Sendable {
    private var claims: [Int: (by: Swarm.ConnectionID, since: Duration)] = [:]
    /// How many claims each peer has.
    private var counts: [Swarm.ConnectionID: Int] = [:]
    /// Peers that claimed what they did not bring. Their word counts no more.
    private var broken: Set<Swarm.ConnectionID> = []
    /// Pieces that are claimed.
    private(set) var pieces: Bitfield
    private let limits: SwarmLimits

    init(pieceCount: Int, limits: SwarmLimits) {
        pieces = Bitfield(pieceCount: pieceCount)
        self.limits = limits
    }

    /// Peers of which something is remembered.
    var peers: Set<Swarm.ConnectionID> { broken.union(counts.keys) }

    /// A peer says that it fetches a piece. The first to say so counts, and for as many pieces as one may fetch at once.
    mutating func claim(_ piece: PieceIndex, by id: Swarm.ConnectionID, now: Duration) {
        guard claims[piece.number] == nil, !broken.contains(id), counts[id, default: 0] < limits.claimsPerPeer else {
            return
        }
        claims[piece.number] = (id, now)
        counts[id, default: 0] += 1
        pieces.insert(piece)
    }

    /// Somebody has the piece now, or this side does.
    mutating func end(_ piece: PieceIndex) {
        guard let claim = claims.removeValue(forKey: piece.number) else { return }
        pieces.remove(piece)
        counts[claim.by] = counts[claim.by].flatMap { $0 > 1 ? $0 - 1 : nil }
    }

    mutating func forget(_ id: Swarm.ConnectionID, geometry: PieceGeometry) {
        if counts[id] != nil { end(geometry) { by, _ in by == id } }
        broken.remove(id)
    }

    /// Claims that came to nothing in time end.
    mutating func expire(geometry: PieceGeometry, now: Duration) {
        let late = claims.values.filter { now - $0.since > limits.claimTerm }.map(\.by)
        guard !late.isEmpty else { return }
        broken.formUnion(late)
        end(geometry) { [limits] _, since in now - since > limits.claimTerm }
    }

    private mutating func end(_ geometry: PieceGeometry, where isOver: (Swarm.ConnectionID, Duration) -> Bool) {
        for number in claims.filter({ isOver($0.value.by, $0.value.since) }).keys {
            if let piece = geometry.piece(number) { end(piece) }
        }
    }
}
