// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Which peers pass on what they are given by somebody who had everything from the start. Those it suggests pieces to announce to
/// it what they get from others; what was given to one peer and nobody else announced, that peer has kept to itself so far:
/// because it was given it just now, because nobody can reach it, because it is slow, or because what it serves is wrong. The
/// first happens to all alike, so what counts is who keeps much more than most. Such peers are worth less of a scarce uplink than
/// those that spread what they get.
struct Relaying: Sendable {
    private struct Record {
        /// Pieces that this peer was the first to be given and that nobody else has, as far as is known.
        var kept = 0
        /// Those that somebody else announced since.
        var passed = 0

        var count: Int { kept + passed }
        /// Which part of them it has to itself. How fast it is given them makes no difference.
        var keptPart: Double { count > 0 ? Double(kept) / Double(count) : 0 }
    }

    /// Who was the first to be given a piece, while nobody else has it.
    private var holders: [Int: Swarm.ConnectionID] = [:]
    /// The pieces that anybody was given or announced.
    private var given: Bitfield
    private var records: [Swarm.ConnectionID: Record] = [:]
    private let limits: SwarmLimits

    init(pieceCount: Int, limits: SwarmLimits) {
        given = Bitfield(pieceCount: pieceCount)
        self.limits = limits
    }

    /// This side begins to give a piece to a peer.
    mutating func gives(_ piece: PieceIndex, to id: Swarm.ConnectionID) {
        guard given.insert(piece), holders.count < limits.firstCopies else { return }
        holders[piece.number] = id
        records[id, default: Record()].kept += 1
    }

    /// A peer announced a piece.
    mutating func gained(_ piece: PieceIndex, by id: Swarm.ConnectionID) {
        given.insert(piece)
        guard let holder = holders[piece.number], holder != id else { return }
        holders[piece.number] = nil
        records[holder]?.kept -= 1
        records[holder]?.passed += 1
    }

    /// Forgets a peer.
    /// - Parameter areLost: whether what it has to itself is to count as given to nobody.
    /// - Returns: the pieces that it has to itself, in the order of the image.
    mutating func forget(_ id: Swarm.ConnectionID, geometry: PieceGeometry, areLost: Bool) -> [PieceIndex] {
        guard records.removeValue(forKey: id) != nil else { return [] }
        let kept = holders.filter { $0.value == id }.keys.sorted().compactMap { geometry.piece($0) }
        for piece in kept {
            holders[piece.number] = nil
            if areLost { given.remove(piece) }
        }
        return kept
    }

    /// Those of these peers that keep more than half of what usual ones pass on. Usual is what three quarters of the peers
    /// exceed that were given enough to tell, since many of them may be such.
    func keepers(among peers: [Swarm.ConnectionID]) -> [Swarm.ConnectionID] {
        let parts = records.values.filter { $0.count >= limits.keptCopies }.map(\.keptPart).sorted()
        guard parts.count >= limits.enoughServed else { return [] }
        let usual = parts[parts.count / 4]
        return peers.filter { id in
            guard let record = records[id], record.kept >= limits.keptCopies else { return false }
            return record.keptPart > (1 + usual) / 2
        }
    }

    var holderCount: Int { holders.count }
    var recordCount: Int { records.count }
}
