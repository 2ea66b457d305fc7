// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Which peers pass on what they are given by somebody who had everything from the start. Those it suggests pieces to tell it
/// what they have got from others; what was given to one peer and nobody else has, that peer has kept to itself so far: because
/// it was given it just now, because nobody can reach it, because it is slow, or because what it serves is wrong. The first
/// happens to all alike, so what counts is who keeps much more than most. Such peers are worth less of a scarce uplink than
/// those that spread what they get.
struct Relaying: Sendable {
    private struct Record {
        /// Pieces that this peer was the first to be given.
        var first = 0
        /// Those of them that somebody else has, too.
        var passed = 0

        /// Which part of them it has to itself.
        var kept: Double { first > 0 ? Double(first - passed) / Double(first) : 0 }
    }

    /// Who was the first to be given a piece, while nobody else has it.
    private var holders: [Int: Swarm.ConnectionID] = [:]
    /// The pieces that anybody was given or has.
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
        records[id, default: Record()].first += 1
    }

    /// A peer has a piece that this side did not give it.
    mutating func gained(_ piece: PieceIndex, by id: Swarm.ConnectionID) {
        given.insert(piece)
        guard let holder = holders[piece.number], holder != id else { return }
        holders[piece.number] = nil
        guard var record = records[holder] else { return }
        record.passed += 1
        // What was long ago counts less and less.
        if record.passed > limits.keptCopies * 16 {
            (record.first, record.passed) = (record.first - record.passed / 2, record.passed - record.passed / 2)
        }
        records[holder] = record
    }

    /// Forgets a peer.
    /// - Returns: the pieces that were given to it and that nobody else has, in the order of the image.
    mutating func forget(_ id: Swarm.ConnectionID, geometry: PieceGeometry) -> [PieceIndex] {
        guard records.removeValue(forKey: id) != nil else { return [] }
        let kept = holders.filter { $0.value == id }.keys.sorted().compactMap { geometry.piece($0) }
        for piece in kept {
            holders[piece.number] = nil
            given.remove(piece)
        }
        return kept
    }

    /// Those of these peers that keep more than half of what usual ones pass on. Usual is what three quarters of the peers
    /// exceed, since many of them may be such.
    func keepers(among peers: [Swarm.ConnectionID]) -> [Swarm.ConnectionID] {
        let parts = records.values.map(\.kept).sorted()
        guard parts.count >= limits.enoughServed else { return [] }
        let usual = parts[parts.count / 4]
        return peers.filter { id in
            guard let record = records[id], record.first - record.passed >= limits.keptCopies else { return false }
            return record.kept > (1 + usual) / 2
        }
    }

    var holderCount: Int { holders.count }
    var recordCount: Int { records.count }
}
