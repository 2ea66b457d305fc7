// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TrackerProtocol

/// Which peers pass on what they are given. When a piece was given to one peer and another one comes here for it all the
/// same, the first has probably kept it to itself: because nobody can reach it, because it is slow, or because what it
/// serves is wrong. It happens by chance as well, so what counts is who it happens to much more often than to most. Such
/// peers are worth less of a scarce uplink than those that spread what they get.
///
/// More cannot be known here: peers do not announce a piece to those that have it.
struct Relaying: Sendable {
    private struct Record {
        /// Pieces that this peer was the first to be given.
        var first = 0
        /// Those of them that somebody else came for as well.
        var again = 0
        /// Who did, up to two: one host alone could make up any number.
        var witnesses: Set<PeerAddress> = []

        var rate: Double { first > 0 ? Double(again) / Double(first) : 0 }
    }

    /// Who was the first to be given a piece, while nobody else was given it.
    private var holders: [Int: Swarm.ConnectionID] = [:]
    /// The pieces that were given to anybody.
    private var given: Bitfield
    private var records: [Swarm.ConnectionID: Record] = [:]
    private let limits: SwarmLimits

    init(pieceCount: Int, limits: SwarmLimits) {
        given = Bitfield(pieceCount: pieceCount)
        self.limits = limits
    }

    /// This side begins to give a piece to a peer.
    /// - Parameter witness: the peer's host, as far as it can be told apart.
    mutating func gives(_ piece: PieceIndex, to id: Swarm.ConnectionID, witness: PeerAddress) {
        if given.insert(piece) {
            guard holders.count < limits.firstCopies else { return }
            holders[piece.number] = id
            records[id, default: Record()].first += 1
            return
        }
        guard let holder = holders[piece.number], holder != id else { return }
        holders[piece.number] = nil
        guard var record = records[holder] else { return }
        record.again += 1
        if record.witnesses.count < 2 { record.witnesses.insert(witness) }
        // What was long ago counts less and less.
        if record.first > limits.keptCopies * 32 { (record.first, record.again) = (record.first / 2, record.again / 2) }
        records[holder] = record
    }

    /// The pieces that were given to this peer alone.
    func kept(by id: Swarm.ConnectionID) -> [Int] {
        records[id] == nil ? [] : holders.filter { $0.value == id }.keys.sorted()
    }

    mutating func forget(_ id: Swarm.ConnectionID) {
        guard records.removeValue(forKey: id) != nil else { return }
        holders = holders.filter { $0.value != id }
    }

    /// Those of these peers that keep what they are given more often than chance explains: others came for two and a half
    /// standard deviations more of it than they would with a usual peer. Usual is what three quarters of the peers exceed,
    /// since many of them may be such.
    func keepers(among peers: [Swarm.ConnectionID]) -> [Swarm.ConnectionID] {
        let rates = records.values.map(\.rate).sorted()
        guard rates.count >= limits.enoughServed else { return [] }
        let usual = min(max(rates[rates.count / 4], 0.01), 0.99)
        return peers.filter { id in
            guard let record = records[id], record.again >= limits.keptCopies, record.witnesses.count > 1 else {
                return false
            }
            let first = Double(record.first)
            let deviation = (first * usual * (1 - usual)).squareRoot()
            // Where hardly anything is given twice, a few pieces that are say nothing.
            return Double(record.again) > max(first * usual + 2.5 * deviation, first * limits.keptPart)
        }
    }

    var holderCount: Int { holders.count }
    var recordCount: Int { records.count }
}
