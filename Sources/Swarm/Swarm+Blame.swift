// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol
import TrackerProtocol

/// What a wrong piece leads to: its leaves are asked for, whoever brought a wrong block is cut, and only what was wrong
/// is fetched again.
extension Swarm {
    /// A piece is all here and wrong.
    mutating func mismatch(
        _ piece: PieceIndex, _ finished: PieceTable.Finished, now: Duration
    ) -> [Effect] {
        var effects: [Effect] = [.fact(.pieceMismatched(piece))]
        let isDisputed = pieces.dispute(piece, finished, limits: limits)
        // The leaves would say nothing new about a single source, but which of its blocks may stay.
        if let source = finished.soleSource { effects += convict(source, .wrongData, now: now) }
        if isDisputed { effects += inquire(now: now) } else { restart(piece, finished) }
        return effects + feed(now: now)
    }

    /// Asks somebody for the leaves of every disputed piece for which nobody is being asked.
    mutating func inquire(now: Duration) -> [Effect] {
        guard !pieces.disputes.isEmpty else { return [] }
        var effects: [Effect] = []
        for number in pieces.disputes.keys.sorted() {
            guard let piece = metainfo.geometry.piece(number), let dispute = pieces.disputes[number] else { continue }
            if let awaited = dispute.awaited, peers[awaited] != nil { continue }
            let owners = peers.keys.filter { peers[$0]?.pieces.contains(piece) == true }
            // Without anybody who has the piece it could not be fetched again either.
            guard !owners.isEmpty else { continue }
            // Those who brought nothing of it have nothing to hide.
            let unasked = owners.filter { !dispute.asked.contains($0) }.sorted()
            let next = unasked.first { !dispute.finished.sources.contains($0) } ?? unasked.first
            if let next, dispute.asked.count < limits.leafSources {
                pieces.disputes[number]?.asked.insert(next)
                pieces.disputes[number]?.awaited = next
                effects.append(.command(next, .askLeaves(of: piece)))
            } else {
                restart(piece, dispute.finished)
                effects += feed(now: now)
            }
        }
        return effects
    }

    /// A piece's leaves have come.
    mutating func settle(
        _ piece: PieceIndex, _ leaves: [SHA256Digest], from id: ConnectionID, now: Duration
    ) -> [Effect] {
        guard pieces.disputes[piece.number]?.awaited == id else { return [] }
        let liars = pieces.settle(piece, leaves: leaves)
        return liars.sorted().flatMap { convict($0, .wrongData, now: now) } + feed(now: now)
    }

    private mutating func restart(_ piece: PieceIndex, _ finished: PieceTable.Finished) {
        pieces.restart(piece, finished, knownLiars: Set(finished.sources.filter { isConvicted($0) }))
    }

    /// The connection brought wrong bytes or hashes: its peer is cut and not let in again.
    mutating func convict(
        _ liar: ConnectionID, _ violation: ProtocolViolation, now: Duration
    ) -> [Effect] {
        if let view = peers[liar] {
            let ban = ban(view.address, listening: view.listenAddress)
            return [ban, .command(liar, .close(.violation(violation)))] + disconnected(liar, now: now)
        }
        // It left before its lie was found out.
        return departed.first { $0.id == liar && !addresses.isBanned($0.address) }
            .map { [ban($0.address, listening: nil)] } ?? []
    }

    private func isConvicted(_ id: ConnectionID) -> Bool {
        guard peers[id] == nil, let address = departed.first(where: { $0.id == id })?.address else { return false }
        return addresses.isBanned(address)
    }

    private mutating func ban(_ address: PeerAddress, listening: PeerAddress?) -> Effect {
        addresses.ban(address)
        if let listening { addresses.ban(listening) }
        addresses.banHost(of: address)
        return .fact(.peerBanned(listening ?? address))
    }
}
