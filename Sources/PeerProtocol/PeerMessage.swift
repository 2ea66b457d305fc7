// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// A run of bytes inside a piece, as requests, cancels, rejects and block headers name it. The numbers are a peer's and
/// may be anything until a ``PieceGeometry`` has approved them.
package struct BlockRequest: Hashable, Sendable {
    package var piece: UInt32
    /// The first byte inside the piece.
    package var begin: UInt32
    /// Length in bytes.
    package var length: UInt32

    package init(piece: UInt32, begin: UInt32, length: UInt32) {
        self.piece = piece
        self.begin = begin
        self.length = length
    }
}

/// A range of one layer of the image's merkle tree, with proof (BEP 52).
package struct HashRequest: Hashable, Sendable {
    package var piecesRoot: SHA256Digest
    /// The layer, counted from the leaves.
    package var baseLayer: UInt32
    package var index: UInt32
    package var length: UInt32
    package var proofLayers: UInt32

    package init(
        piecesRoot: SHA256Digest, baseLayer: UInt32, index: UInt32, length: UInt32, proofLayers: UInt32
    ) {
        self.piecesRoot = piecesRoot
        self.baseLayer = baseLayer
        self.index = index
        self.length = length
        self.proofLayers = proofLayers
    }
}

/// Everything peers say after the handshake, except the block itself: its header is decoded apart and its bytes travel
/// beside the decisions, never through them (BEP 3, 6, 10, 52).
package enum PeerMessage: Equatable, Sendable {
    case keepAlive
    case choke
    case unchoke
    case interested
    case notInterested
    case have(UInt32)
    case bitfield([UInt8])
    case request(BlockRequest)
    case cancel(BlockRequest)
    case port(UInt16)
    case suggestPiece(UInt32)
    case haveAll
    case haveNone
    case rejectRequest(BlockRequest)
    case allowedFast(UInt32)
    case extended(id: UInt8, payload: [UInt8])
    case hashRequest(HashRequest)
    case hashes(HashRequest, [SHA256Digest])
    case hashReject(HashRequest)
    /// A message of a kind this side does not know, which is ignored.
    case unknown(id: UInt8)

    /// Whether the message belongs to the fast extension (BEP 6).
    package var isFast: Bool {
        switch self {
        case .suggestPiece, .haveAll, .haveNone, .rejectRequest, .allowedFast: true
        default: false
        }
    }
}

/// The numbers that tell messages apart on the wire.
enum MessageID {
    static let choke: UInt8 = 0
    static let unchoke: UInt8 = 1
    static let interested: UInt8 = 2
    static let notInterested: UInt8 = 3
    static let have: UInt8 = 4
    static let bitfield: UInt8 = 5
    static let request: UInt8 = 6
    static let piece: UInt8 = 7
    static let cancel: UInt8 = 8
    static let port: UInt8 = 9
    static let suggestPiece: UInt8 = 13
    static let haveAll: UInt8 = 14
    static let haveNone: UInt8 = 15
    static let rejectRequest: UInt8 = 16
    static let allowedFast: UInt8 = 17
    static let extended: UInt8 = 20
    static let hashRequest: UInt8 = 21
    static let hashes: UInt8 = 22
    static let hashReject: UInt8 = 23
}
