// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Handing out work: rarest pieces first, a piece to one peer where that is possible, and in the endgame what somebody
/// else has had for too long.
extension Swarm {
    /// Gives work to the connections that wait for it.
    /// - Parameter start: where the search for the rarest piece begins, so that peers that know the same do not all
    ///   choose the same.
    mutating func feed(now: Duration, start: Int? = nil) -> [Effect] {
        var effects: [Effect] = []
        for id in hungry {
            guard let view = peers[id], view.wanted > 0 else { continue }
            let blocks = max(view.hunger, 1)
            let extents = work(for: id, view, blocks: blocks, start: start ?? origin(of: id), now: now)
            guard !extents.isEmpty else { continue }
            hungry.removeAll { $0 == id }
            effects.append(.command(id, .assign(extents)))
        }
        return effects
    }

    /// A starting point of its own for each connection, where no randomness is at hand.
    private func origin(of id: ConnectionID) -> Int {
        let spread = (id.number &+ UInt64(have.count)) &* 0x9e37_79b9_7f4a_7c15
        return Int(spread % UInt64(metainfo.geometry.pieceCount))
    }

    private mutating func work(
        for id: ConnectionID, _ view: PeerView, blocks: Int, start: Int, now: Duration
    ) -> [Extent] {
        var granted: [Extent] = []
        var room = min(blocks, limits.batchLength / PieceGeometry.blockLength)
        func take(_ extents: [Extent]) {
            for extent in extents where room > 0 {
                granted.append(extent)
                room -= extent.blockCount
            }
        }
        // What is under way comes first: only a whole piece can be relayed.
        for number in pieces.progress.keys.sorted() where room > 0 {
            guard let piece = metainfo.geometry.piece(number), view.pieces.contains(piece) else { continue }
            take(pieces.freeExtents(of: piece, for: id))
        }
        pieces.assign(granted, to: id, now: now)
        while room > 0, let piece = rarest(of: view.pieces, start: start) {
            // A whole piece to one peer, up to the length of a batch: that keeps blame and relaying simple.
            let extents = Array(
                metainfo.geometry.extents(of: piece).prefix(max(1, limits.batchLength / Extent.maximumLength)))
            pieces.assign(extents, to: id, now: now)
            granted += extents
            room -= extents.reduce(0) { $0 + $1.blockCount }
        }
        if granted.isEmpty, now > limits.stealAfter,
            let extent = pieces.stealable(for: id, among: view.pieces, before: now - limits.stealAfter)
        {
            pieces.assign([extent], to: id, now: now)
            granted = [extent]
        }
        return granted
    }

    /// The piece that the fewest peers have, of those the peer has and nobody has begun; ties go to the first one met
    /// from `start` on.
    private func rarest(of candidates: Bitfield, start: Int) -> PieceIndex? {
        var best: Int?
        candidates.forEach(outside: pieces.have, and: pieces.started, from: start) { number in
            if let current = best, pieces.availability[current] <= pieces.availability[number] { return true }
            best = number
            return pieces.availability[number] > 1
        }
        return best.flatMap { metainfo.geometry.piece($0) }
    }
}
