// SPDX-License-Identifier: Apache-2.0

package import Metainfo
package import PeerProtocol
package import TrackerProtocol

/// What a connection's ``PeerSession`` tells its image's ``Swarm``: never more often than per extent or per second, so
/// that the serial part stays small.
package enum SessionReport: Equatable, Sendable {
    /// What the peer has, once, at the start.
    case pieces(Bitfield)
    /// The peer has one more piece.
    case gained(PieceIndex)
    /// The peer has a piece no more (BEP 54).
    case lost(PieceIndex)
    /// The peer will not fetch anything any more, or will after all (BEP 21).
    case uploadOnly(Bool)
    /// The peer fetches these pieces from somebody who has all of them.
    case claims([PieceIndex])
    /// The peer, which has everything, suggests to come for this piece (BEP 6).
    case suggested(PieceIndex)
    /// The peer wants something of ours, or no longer.
    case interested(Bool)
    /// Something of this piece is being sent to the peer, for the first time.
    case gives(PieceIndex)
    /// The peer accepts connections at this port.
    case listens(UInt16)
    /// The peer says that it stands in this rack.
    case stands(in: RackName)
    /// The peer serves this side from now on, or no longer.
    case serves(Bool)
    /// The session has room for this many more blocks; with 0 it withdraws what it said before.
    case hungry(blocks: Int)
    /// The session gives these extents back, unfinished, or cannot store them.
    case returned([Extent])
    /// All that was on loan of the extent is here, unverified.
    case filled(Extent)
    /// The piece's leaves, asked for with ``SessionCommand/askLeaves(of:)`` and proven against the piece's hash.
    case leaves(PieceIndex, [SHA256Digest])
    /// The peer does not give the piece's leaves, or not in time.
    case leavesRefused(PieceIndex)
    /// The peer gave hashes that do not lead to the piece's.
    case leavesWrong(PieceIndex)
    /// Bytes of blocks since the last such report.
    case traffic(received: Int, sent: Int)
}

/// What an image's ``Swarm`` tells one of its connections.
package enum SessionCommand: Equatable, Sendable {
    /// Fetch these blocks. An answer to every `hungry` report that could be satisfied.
    case assign([Loan])
    /// Stop fetching this extent and forget what came of it.
    case cancel(Extent)
    /// Hash and write what was brought of the extent, then say what came of it.
    case store(Extent)
    case setInterested(Bool)
    case setChoking(Bool)
    /// Ask the peer for the piece's leaves.
    case askLeaves(of: PieceIndex)
    /// This piece is verified: announce it and serve it.
    case have(PieceIndex)
    /// The same, of a piece that others have as well: it is announced along with whatever is said next, or at the next tick.
    case mention(PieceIndex)
    /// These pieces are being fetched from somebody who has all of them; tell the peer, if it wants to know.
    case claim([PieceIndex])
    /// Suggest to the peer to come for these pieces, if it knows that message (BEP 6).
    case suggest([PieceIndex])
    case close(CloseReason)
}

/// Why a connection ends.
package enum CloseReason: Equatable, Sendable, CustomStringConvertible {
    case violation(ProtocolViolation)
    /// Another connection to the same peer stays.
    case duplicate
    /// The connection leads to this very peer.
    case selfConnection
    /// Neither side needs the other any more.
    case bothComplete
    case tooManyConnections
    case banned
    case idle
    case stalled
    case stopping
    /// This side could not read what it was asked for.
    case readFailed

    package var description: String {
        switch self {
        case .violation(let violation): violation.description
        case .duplicate: "another connection to the same peer stays"
        case .selfConnection: "it leads back to this peer"
        case .bothComplete: "both sides are complete"
        case .tooManyConnections: "there are too many connections"
        case .banned: "the peer is banned"
        case .idle: "nothing arrived for too long"
        case .stalled: "the peer leaves requests unanswered"
        case .stopping: "this peer is stopping"
        case .readFailed: "the image could not be read"
        }
    }
}
