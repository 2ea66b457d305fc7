// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// What is done with a piece that did not match. Where its leaves can be had, the blocks that are right stay and the
/// others are fetched again; where they cannot, the piece comes again from one peer at a time.
extension PieceTable {
    /// Begins to find out what is wrong with a piece.
    /// - Returns: whether that can be done: there is room for one more such piece, and its leaves can be asked for.
    mutating func dispute(_ piece: PieceIndex, _ finished: Finished, limits: SwarmLimits) -> Bool {
        let leaves = geometry.leavesPerPieceTree
        let count = disputes.count + progress.values.count { $0.repair != nil }
        guard leaves > 1, leaves <= MerkleRange.maximumCount, count < limits.disputes else { return false }
        disputes[piece.number] = Dispute(finished: finished)
        return true
    }

    /// The connection does not give the leaves it was asked for.
    mutating func refused(_ piece: PieceIndex, by id: Swarm.ConnectionID) {
        if disputes[piece.number]?.awaited == id { disputes[piece.number]?.awaited = nil }
    }

    /// The piece's leaves are known: its wrong blocks are free again, and everything else stays.
    /// - Returns: who brought wrong blocks, now or when the piece failed before.
    mutating func settle(_ piece: PieceIndex, leaves: [SHA256Digest]) -> Set<Swarm.ConnectionID> {
        guard let finished = disputes.removeValue(forKey: piece.number)?.finished else { return [] }
        let repair = Repair(leaves: leaves, brought: finished.leaves)
        distrusted.remove(piece.number)
        progress[piece.number]?.needsSoleSource = false
        progress[piece.number]?.soleSource = nil
        progress[piece.number]?.repair = repair
        let extents = geometry.extents(of: piece)
        var liars = liars(
            of: piece, accordingTo: extents.map { geometry.extentRoot(leaves: repair.leaves(of: $0)) })
        for extent in extents where repair.missing[extent.number] != 0 {
            liars.insert(finished.sources[extent.number])
            set(extent, .free)
        }
        return liars
    }

    /// Nobody gives the piece's leaves. What came from peers known to lie is fetched again; where there are none, the
    /// piece begins anew, and from now on comes from one peer at a time.
    mutating func restart(
        _ piece: PieceIndex, _ finished: Finished, knownLiars: Set<Swarm.ConnectionID>
    ) {
        disputes[piece.number] = nil
        let fromLiars = geometry.extents(of: piece).filter { knownLiars.contains(finished.sources[$0.number]) }
        guard fromLiars.isEmpty else {
            for extent in fromLiars { set(extent, .free) }
            return tidy(piece)
        }
        drop(piece)
        distrusted.insert(piece.number)
        failed[piece.number] = finished
    }

    /// Whether anything of an unfinished piece came, or is coming, from this connection.
    func involves(_ id: Swarm.ConnectionID) -> Bool {
        failed.values.contains { $0.sources.contains(id) }
            || progress.values.contains { entry in
                entry.extents.contains { state in
                    if case .stored(id, _) = state { return true }
                    return state == .storing(id)
                }
            }
    }
}
