// SPDX-License-Identifier: Apache-2.0

/// What a peer did that its protocol forbids. Each ends the connection.
package enum ProtocolViolation: Error, Equatable, Sendable, CustomStringConvertible {
    /// The connection does not begin with a BitTorrent handshake.
    case notBitTorrent
    /// A message declares a length that its kind cannot have.
    case badLength(id: UInt8, length: UInt32)
    /// A message is longer than this side accepts.
    case tooLong(id: UInt8?, length: UInt32)
    /// A message of the fast extension on a connection without it (BEP 6).
    case fastNotNegotiated
    /// Hashes, or the refusal of hashes, that were never asked for (BEP 52).
    case unrequestedHashes
    /// A piece, block or hash range that the image does not have.
    case outOfRange
    case badBitfield
    case badExtendedHandshake
    /// A message of an agreed extension whose payload cannot be one (BEP 10).
    case badExtendedMessage
    /// A block that was never asked for.
    case unrequestedBlock
    /// Too many requests while choked.
    case requestFlood
    /// Control messages faster than any honest peer has reason to send them.
    case flood
    /// Bytes that do not hash to what the metainfo says.
    case wrongData
    /// Hashes that do not lead to those of the metainfo (BEP 52).
    case wrongHashes

    /// The violation without its particulars, as it is counted and reported.
    package var kind: String {
        switch self {
        case .notBitTorrent: "notBitTorrent"
        case .badLength: "badLength"
        case .tooLong: "tooLong"
        case .fastNotNegotiated: "fastNotNegotiated"
        case .unrequestedHashes: "unrequestedHashes"
        case .outOfRange: "outOfRange"
        case .badBitfield: "badBitfield"
        case .badExtendedHandshake: "badExtendedHandshake"
        case .badExtendedMessage: "badExtendedMessage"
        case .unrequestedBlock: "unrequestedBlock"
        case .requestFlood: "requestFlood"
        case .flood: "flood"
        case .wrongData: "wrongData"
        case .wrongHashes: "wrongHashes"
        }
    }

    package var description: String {
        switch self {
        case .notBitTorrent: "it does not speak BitTorrent"
        case .badLength(let id, let length): "message \(id) has the impossible length \(length)"
        case .tooLong(let id, let length): "message \(id.map(String.init) ?? "?") of \(length) bytes is too long"
        case .fastNotNegotiated: "it used the fast extension without negotiating it"
        case .unrequestedHashes: "it answered a hash request that was not made"
        case .outOfRange: "it named a piece or block that does not exist"
        case .badBitfield: "its bitfield does not fit the image"
        case .badExtendedHandshake: "its extended handshake is malformed"
        case .badExtendedMessage: "it sent a malformed message of an extension"
        case .unrequestedBlock: "it sent a block that was not requested"
        case .requestFlood: "it keeps requesting while choked"
        case .flood: "it floods this side with control messages"
        case .wrongData: "it sent data that does not match its hash"
        case .wrongHashes: "it sent hashes that do not lead to the image's"
        }
    }
}
