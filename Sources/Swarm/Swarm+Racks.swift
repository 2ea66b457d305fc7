// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Racks carry less between each other than their hosts could send: what has come into one is passed on inside.
extension Swarm {
    /// The pieces that peers of this side's rack have. Those who have everything do not count where they are few beside those who
    /// fetch: what they serve is scarce.
    private func inRack() -> Bitfield {
        var pieces = Bitfield(pieceCount: metainfo.geometry.pieceCount)
        let near = order.filter { peers[$0]?.isNear == true }
        let seeds = near.count { peers[$0]?.pieces.isFull == true }
        let areFew = near.count - seeds >= limits.sparedAmong * seeds
        for id in near {
            guard let theirs = peers[id]?.pieces, !(theirs.isFull && areFew) else { continue }
            pieces.formUnion(theirs)
        }
        return pieces
    }

    /// The pieces that this side need not fetch from another rack.
    func broughtByOthers() -> Bitfield {
        var pieces = inRack()
        pieces.formUnion(imports.left)
        return pieces
    }

    /// Whom to tell which pieces this side fetches from another rack: peers in its own that fetch elsewhere too, and everybody
    /// there once, so that they learn of each other.
    func importers(but id: ConnectionID) -> [ConnectionID] {
        order.filter { other in
            guard other != id, let view = peers[other], view.isNear, !view.pieces.isFull else { return false }
            return !view.isToldOfImports || imports.areMade(by: other)
        }
    }

    /// Sees which pieces nobody brings.
    mutating func lookAtImports(now: Duration) {
        guard !have.isFull, peers.values.contains(where: \.isForeign) else { return }
        var missing = Bitfield(pieceCount: metainfo.geometry.pieceCount)
        for view in peers.values where view.isForeign { missing.formUnion(view.pieces) }
        missing.subtract(inRack())
        missing.subtract(pieces.have)
        missing.subtract(pieces.started)
        imports.look(at: missing, geometry: metainfo.geometry, now: now)
    }
}
