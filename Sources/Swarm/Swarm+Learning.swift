// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Who has what, and whether this side wants anything of it.
extension Swarm {
    mutating func learn(_ bitfield: Bitfield, of id: ConnectionID, now: Duration) -> [Effect] {
        guard var view = peers[id], view.pieces != bitfield else { return redundant(id) }
        pieces.forget(view.pieces)
        if view.pieces.isFull { seedCount -= 1 }
        if bitfield.isFull {
            seedCount += 1
            imports.completed(id)
        }
        if relaying != nil {
            bitfield.forEach { number in
                if let piece = metainfo.geometry.piece(number), !view.pieces.contains(piece) {
                    relaying?.gained(piece, by: id)
                }
            }
        }
        view.pieces = bitfield
        view.wanted = bitfield.count(notIn: pieces.have)
        peers[id] = view
        pieces.count(bitfield)
        return interest(id, now: now) + redundant(id) + feed(id, salt: salt(for: id), now: now)
    }

    mutating func learn(_ piece: PieceIndex, of id: ConnectionID, now: Duration) -> [Effect] {
        guard peers[id]?.pieces.insert(piece) == true else { return [] }
        if peers[id]?.pieces.isFull == true {
            seedCount += 1
            imports.completed(id)
        }
        pieces.count(piece)
        claims.end(piece)
        if peers[id]?.isNear == true { imports.end(piece) }
        suggestions?.gained(piece, by: id)
        relaying?.gained(piece, by: id)
        if !pieces.have.contains(piece) { peers[id]?.wanted += 1 }
        let effects = interest(id, now: now) + redundant(id)
        return pieces.have.contains(piece) ? effects : effects + feed(id, salt: salt(for: id), now: now)
    }

    mutating func unlearn(_ piece: PieceIndex, of id: ConnectionID, now: Duration) -> [Effect] {
        let wasSeed = peers[id]?.pieces.isFull == true
        guard peers[id]?.pieces.remove(piece) == true else { return [] }
        if wasSeed { seedCount -= 1 }
        pieces.forget(piece)
        if !pieces.have.contains(piece) { peers[id]?.wanted -= 1 }
        return interest(id, now: now)
    }

    /// Tells the peer whether this side wants anything of it, when that changed.
    mutating func interest(_ id: ConnectionID, now: Duration) -> [Effect] {
        // Not the whole view, which is copied then: this is asked of every peer for each piece.
        guard let isWanted = peers[id]?.isWanted, let wanted = peers[id]?.wanted, isWanted != (wanted > 0) else {
            return []
        }
        peers[id]?.isWanted = wanted > 0
        peers[id]?.usefulAt = now
        return [.command(id, .setInterested(wanted > 0))]
    }

    /// Two peers that fetch nothing have nothing to say to each other.
    func redundant(_ id: ConnectionID) -> [Effect] {
        guard !isDownloading, let view = peers[id], view.pieces.isFull || view.isUploadOnly else { return [] }
        return [.command(id, .close(.bothComplete))]
    }
}
