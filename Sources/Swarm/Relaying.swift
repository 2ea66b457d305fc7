// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// Which peers pass on what they are given. A piece that no other fetching peer has yet is a first copy: what becomes of
/// it decides how often this side has to send the piece. Peers that keep such pieces to themselves, because nobody can
/// reach them or because what they serve is wrong, are worth less of a scarce uplink than those that spread them.
///
/// A first copy counts as passed on when a third peer has the piece that this side did not give it to.
struct Relaying: Sendable {
    private struct FirstCopy {
        let holder: Swarm.ConnectionID
        let given: Duration
        /// When the holder said that it has the piece.
        var announced: Duration?
        /// Whether it counts as kept; it may be passed on yet.
        var isKept = false
    }

    private struct Record {
        /// The pieces of which anything was given to the peer.
        var given: Bitfield
        var passedOn = 0
        var kept = 0
    }

    /// First copies that have not been seen elsewhere, by piece.
    private var copies: [Int: FirstCopy] = [:]
    private var records: [Swarm.ConnectionID: Record] = [:]
    private let limits: SwarmLimits

    init(limits: SwarmLimits) { self.limits = limits }

    /// This side begins to give a piece to a peer.
    /// - Parameter isFirst: whether no other peer that is fetching has it.
    mutating func gives(
        _ piece: PieceIndex, to id: Swarm.ConnectionID, isFirst: Bool, pieceCount: Int, at now: Duration
    ) {
        records[id, default: Record(given: Bitfield(pieceCount: pieceCount))].given.insert(piece)
        // With a second copy given it can no longer be told whose was passed on.
        if let copy = copies.removeValue(forKey: piece.number) {
            if !copy.isKept { count(copy.holder, kept: 1) }
        } else if isFirst {
            copies[piece.number] = FirstCopy(holder: id, given: now)
        }
    }

    /// A peer has a piece.
    mutating func gained(_ piece: PieceIndex, by id: Swarm.ConnectionID, at now: Duration) {
        guard let copy = copies[piece.number] else { return }
        if copy.holder == id {
            if copy.announced == nil { copies[piece.number]?.announced = now }
        } else if records[id]?.given.contains(piece) != true {
            copies[piece.number] = nil
            count(copy.holder, passedOn: 1, kept: copy.isKept ? -1 : 0)
        }
    }

    /// To be called about twice a second.
    mutating func tick(at now: Duration) {
        for (number, copy) in copies where !copy.isKept && isOverdue(copy, now) {
            copies[number]?.isKept = true
            count(copy.holder, kept: 1)
        }
    }

    /// A piece should be seen elsewhere soon after its holder has it. On slow links all of it takes longer.
    private func isOverdue(_ copy: FirstCopy, _ now: Duration) -> Bool {
        guard let announced = copy.announced else { return now - copy.given > limits.longestSlotTerm }
        return now - announced > limits.relayPatience + (announced - copy.given) * 4
    }

    mutating func forget(_ id: Swarm.ConnectionID) {
        guard records.removeValue(forKey: id) != nil else { return }
        copies = copies.filter { $0.value.holder != id }
    }

    /// Whether the peer keeps most of what only it was given.
    func keeps(_ id: Swarm.ConnectionID) -> Bool {
        guard let record = records[id] else { return false }
        return record.kept >= limits.keptCopies && record.kept > 3 * record.passedOn
    }

    private mutating func count(_ id: Swarm.ConnectionID, passedOn: Int = 0, kept: Int = 0) {
        guard var record = records[id] else { return }
        record.passedOn += passedOn
        record.kept = max(0, record.kept + kept)
        // What was long ago counts less and less.
        if record.passedOn + record.kept > limits.keptCopies * 8 {
            record.passedOn /= 2
            record.kept /= 2
        }
        records[id] = record
    }

    var copyCount: Int { copies.count }
    var recordCount: Int { records.count }
}
