// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TrackerProtocol

/// Who brings which piece into this side's rack. Few of a rack's peers know of other racks, and each piece should come from there
/// once. They say what they fetch, but all see a new piece at the same moment, and words come late on a busy link. So each has
/// pieces of its own, on which they agree without a word; what its owner leaves lying is anybody's.
struct Imports: Sendable {
    /// What peers in this rack fetch from other racks or from seeds. A claim ends when somebody in the rack has the piece.
    private(set) var claims: Claims
    /// Peers in this rack that have claimed anything, and so fetch from somewhere else.
    private var importers: [Swarm.ConnectionID: PeerID] = [:]
    /// Pieces that one of those should bring.
    private var ofOthers: Bitfield
    /// What nobody had begun to bring at the last look.
    private var lying: Bitfield
    private let ownID: PeerID
    private let pieceCount: Int
    private let limits: SwarmLimits

    init(ownID: PeerID, pieceCount: Int, limits: SwarmLimits) {
        claims = Claims(pieceCount: pieceCount, limits: limits)
        self.ownID = ownID
        self.pieceCount = pieceCount
        self.limits = limits
        ofOthers = Bitfield(pieceCount: pieceCount)
        lying = ofOthers
    }

    /// Peers of which something is remembered.
    var peers: Set<Swarm.ConnectionID> { claims.peers.union(importers.keys) }

    /// The pieces that are left to others.
    var left: Bitfield {
        var pieces = ofOthers
        pieces.formUnion(claims.pieces)
        return pieces
    }

    /// Whether a peer in this rack fetches from somewhere else.
    func areMade(by id: Swarm.ConnectionID) -> Bool { importers[id] != nil }

    /// A peer in this rack says that it fetches a piece.
    mutating func claim(_ piece: PieceIndex, by id: Swarm.ConnectionID, _ peer: PeerID, now: Duration) {
        claims.claim(piece, by: id, now: now)
        if importers.count < limits.importers { importers[id] = peer }
    }

    /// Somebody in this rack has the piece now.
    mutating func end(_ piece: PieceIndex) { claims.end(piece) }

    mutating func forget(_ id: Swarm.ConnectionID, geometry: PieceGeometry) {
        claims.forget(id, geometry: geometry)
        importers[id] = nil
    }

    /// A peer of this rack has everything now, and brings nothing any more.
    mutating func completed(_ id: Swarm.ConnectionID) { importers[id] = nil }

    /// Divides the pieces anew, among those who import now. To be called about twice a second, where there is anything to import.
    /// - Parameter missing: pieces that peers of other racks have, and nobody in this one.
    mutating func look(at missing: Bitfield, geometry: PieceGeometry, now: Duration) {
        claims.expire(geometry: geometry, now: now)
        var missing = missing
        missing.subtract(claims.pieces)
        divide(geometry)
        missing.forEach { number in
            guard let piece = geometry.piece(number), lying.contains(piece) else { return }
            ofOthers.remove(piece)
        }
        lying = missing
    }

    /// Gives each piece to the importer for which it draws the highest number: whoever knows the same importers comes to the same
    /// result, and when one comes or goes only its own pieces change hands (Thaler and Ravishankar, 1998).
    private mutating func divide(_ geometry: PieceGeometry) {
        ofOthers = Bitfield(pieceCount: pieceCount)
        let own = ownID.salt()
        let others = importers.values.map { $0.salt() }
        guard !others.isEmpty else { return }
        for piece in geometry.pieces {
            let weight = RarestFirst.draw(piece.number, own)
            if others.contains(where: { RarestFirst.draw(piece.number, $0) > weight }) { ofOthers.insert(piece) }
        }
    }
}
