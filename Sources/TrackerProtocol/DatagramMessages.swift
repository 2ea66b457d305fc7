// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// What a client sends to a tracker over UDP (BEP 15). All numbers are in network order.
package enum DatagramRequest {
    private static let protocolID: UInt64 = 0x417_2710_1980

    /// Asks for a connection id, which proves that this side receives at the address it sends from.
    package static func connect(transaction: UInt32) -> [UInt8] {
        bytes(protocolID) + bytes(UInt32(0)) + bytes(transaction)
    }

    /// An announce under a connection id.
    /// - Parameter key: a number by which the tracker knows the peer again when its address changes.
    package static func announce(
        _ request: AnnounceRequest, connection: UInt64, transaction: UInt32, key: UInt32
    ) -> [UInt8] {
        let event: UInt32 =
            switch request.event {
            case .completed: 1
            case .started: 2
            case .stopped: 3
            case .paused, nil: 0
            }
        var message = bytes(connection) + bytes(UInt32(1)) + bytes(transaction)
        message += request.infoHash.bytes + request.peerID.bytes
        message += bytes(UInt64(bitPattern: request.downloaded)) + bytes(UInt64(bitPattern: request.left))
        message += bytes(UInt64(bitPattern: request.uploaded)) + bytes(event)
        // The address is left to the tracker to see, and so is the number of peers where none is asked for.
        message += bytes(UInt32(0)) + bytes(key)
        message += bytes(UInt32(bitPattern: request.numberWanted.flatMap { Int32(exactly: $0) } ?? -1))
        return message + bytes(request.port)
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}

/// What a tracker answers over UDP (BEP 15).
package enum DatagramResponse: Equatable, Sendable {
    case connect(transaction: UInt32, connection: UInt64)
    case announce(transaction: UInt32, AnnounceResponse)
    case error(transaction: UInt32, String)

    /// The longest datagram read, in bytes: an announce with the most peers that are taken.
    package static let maximumByteCount = 20 + AnnounceResponse.maximumPeerCount * 18
    /// The longest interval believed, in seconds.
    private static let longestInterval = 7 * 24 * 3600

    /// - Parameter isIPv6: whether the datagram came over IPv6, which alone tells how long a peer's address is.
    /// - Returns: `nil` for what is no answer.
    package init?(_ bytes: [UInt8], isIPv6: Bool) {
        guard bytes.count >= 8, bytes.count <= Self.maximumByteCount else { return nil }
        // checked: each offset is asked for only where the bytes go beyond it.
        func number(at offset: Int) -> UInt32 { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        let transaction = number(at: 4)
        switch number(at: 0) {
        case 0 where bytes.count >= 16:
            // checked: the case: so many bytes are there.
            self = .connect(
                transaction: transaction, connection: bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) })
        case 1 where bytes.count >= 20:
            // checked: the stride ends where a whole peer is left.
            let length = isIPv6 ? 18 : 6
            let peers = stride(from: 20, through: bytes.count - length, by: length).compactMap {
                PeerAddress(compact: bytes[$0..<$0 + length])
            }
            self = .announce(
                transaction: transaction,
                AnnounceResponse(
                    interval: min(Int(number(at: 8)), Self.longestInterval), complete: Int(number(at: 16)),
                    incomplete: Int(number(at: 12)), peers: peers.filter { $0.port != 0 }))
        case 3:
            // checked: at least eight bytes are there.
            let words = String(decoding: bytes[8...].prefix(256), as: UTF8.self)
            self = .error(transaction: transaction, words.filter { !$0.isNewline })
        default: return nil
        }
    }
}
