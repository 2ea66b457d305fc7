// SPDX-License-Identifier: Apache-2.0

import Metainfo
import PeerProtocol

/// The asking half of BEP 52's hash messages: which pieces' leaves this peer was asked for.
struct LeafInquiries: Sendable {
    enum State: Equatable {
        case awaited(since: Duration)
        /// The swarm has been told that nothing came; an answer is late, but no misdeed.
        case late
    }

    private(set) var states: [PieceIndex: State] = [:]

    mutating func ask(_ piece: PieceIndex, at now: Duration) { states[piece] = .awaited(since: now) }

    /// The peer answered.
    /// - Returns: what the state was; `nil` when it was never asked.
    mutating func answered(_ piece: PieceIndex) -> State? { states.removeValue(forKey: piece) }

    /// The pieces whose leaves have been awaited for longer than `patience`; they are late from now on.
    mutating func overdue(at now: Duration, patience: Duration) -> [PieceIndex] {
        let overdue = states.compactMap { piece, state -> PieceIndex? in
            guard case .awaited(let since) = state, now - since > patience else { return nil }
            return piece
        }
        for piece in overdue { states[piece] = .late }
        return overdue.sorted()
    }
}

extension PeerSession {
    mutating func askLeaves(of piece: PieceIndex, at now: Duration) -> [Effect] {
        guard speaksV2, let request = leafRequest(of: piece), inquiries.states[piece] == nil,
            inquiries.states.count < limits.leafInquiries
        else { return [.report(.leavesRefused(piece))] }
        inquiries.ask(piece, at: now)
        return [.send(.hashRequest(request))]
    }

    /// An answer to a hash request.
    /// - Throws: ``ProtocolViolation/unrequestedHashes``.
    mutating func hashes(
        _ request: HashRequest, _ hashes: [SHA256Digest]
    ) throws(ProtocolViolation) -> [Effect] {
        let piece = try inquired(request)
        // Another count than was asked for proves nothing, not even a lie: clients differ over padding.
        guard hashes.count == Int(request.length) else { return try hashesRejected(request) }
        guard MerkleTree.root(of: hashes, width: hashes.count) == metainfo.hash(of: piece) else {
            return [.report(.leavesWrong(piece))]
        }
        guard case .awaited = inquiries.answered(piece) else { return [] }
        return [.report(.leaves(piece, Array(hashes.prefix(geometry.blockCount(of: piece)))))]
    }

    /// The peer does not give what it was asked for.
    /// - Throws: ``ProtocolViolation/unrequestedHashes``.
    mutating func hashesRejected(_ request: HashRequest) throws(ProtocolViolation) -> [Effect] {
        let piece = try inquired(request)
        guard case .awaited = inquiries.answered(piece) else { return [] }
        return [.report(.leavesRefused(piece))]
    }

    /// Gives up waiting for what does not come.
    mutating func overdueInquiries(at now: Duration) -> [Effect] {
        guard !inquiries.states.isEmpty else { return [] }
        return inquiries.overdue(at: now, patience: limits.leafPatience).map { .report(.leavesRefused($0)) }
    }

    private func inquired(_ request: HashRequest) throws(ProtocolViolation) -> PieceIndex {
        guard let piece = geometry.piece(Int(request.index) / geometry.leavesPerPieceTree),
            inquiries.states[piece] != nil, request == leafRequest(of: piece)
        else { throw .unrequestedHashes }
        return piece
    }

    /// All leaves of the piece, those that only pad it included, so that they need no proof beside them.
    private func leafRequest(of piece: PieceIndex) -> HashRequest? {
        let leaves = geometry.leavesPerPieceTree
        guard leaves > 1, leaves <= MerkleRange.maximumCount,
            let index = UInt32(exactly: piece.number * leaves)
        else { return nil }
        return HashRequest(
            piecesRoot: metainfo.piecesRoot, baseLayer: 0, index: index, length: UInt32(leaves), proofLayers: 0)
    }
}
