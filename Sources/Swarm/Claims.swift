// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Which missing pieces others are fetching from those who have everything. While few have everything, what they send twice
/// is sent at everybody's cost: a piece that somebody has begun to fetch there is better taken from that peer, as soon as it
/// has it.
struct Claims: Sendable {
    private var claims: [Int: (by: Swarm.ConnectionID, since: Duration)] = [:]
    /// Pieces that are claimed.
    private(set) var pieces: Bitfield
    private let term: Duration

    init(pieceCount: Int, limits: SwarmLimits) {
        pieces = Bitfield(pieceCount: pieceCount)
        term = limits.claimTerm
    }

    var count: Int { claims.count }

    /// A peer says that it fetches a piece. The first to say so counts: saying it again does not make it last longer.
    mutating func claim(_ piece: PieceIndex, by id: Swarm.ConnectionID, now: Duration) {
        guard claims[piece.number] == nil else { return }
        claims[piece.number] = (id, now)
        pieces.insert(piece)
    }

    /// Somebody has the piece now, or this side does.
    mutating func end(_ piece: PieceIndex) {
        if claims.removeValue(forKey: piece.number) != nil { pieces.remove(piece) }
    }

    mutating func forget(_ id: Swarm.ConnectionID, geometry: PieceGeometry) {
        end(geometry) { by, _ in by == id }
    }

    /// Claims that came to nothing in time end.
    mutating func expire(geometry: PieceGeometry, now: Duration) {
        end(geometry) { [term] _, since in now - since > term }
    }

    private mutating func end(_ geometry: PieceGeometry, where isOver: (Swarm.ConnectionID, Duration) -> Bool) {
        for (number, claim) in claims where isOver(claim.by, claim.since) {
            if let piece = geometry.piece(number) { end(piece) }
        }
    }
}
