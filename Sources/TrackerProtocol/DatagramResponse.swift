// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// What a tracker answers over UDP (BEP 15). All numbers are in network order.
package enum DatagramResponse: Equatable, Sendable {
    case connect(transaction: UInt32, connection: UInt64)
    case announce(transaction: UInt32, AnnounceResponse)
    /// The counts of the swarms asked for, in their order.
    case scrape(transaction: UInt32, [ScrapeResponse.Counts])
    case error(transaction: UInt32, String)

    /// The longest datagram read, in bytes: an announce with the most peers that are taken.
    package static let maximumByteCount = 20 + AnnounceResponse.maximumPeerCount * 18
    /// The longest answer written, in bytes: it passes an Ethernet in one piece, also over IPv6.
    package static let maximumAnswerByteCount = 1452
    /// The longest interval believed, in seconds.
    private static let longestInterval = 7 * 24 * 3600

    private enum Action {
        static let connect: UInt32 = 0
        static let announce: UInt32 = 1
        static let scrape: UInt32 = 2
        static let error: UInt32 = 3
    }

    /// - Parameter isIPv6: whether the datagram came over IPv6, which alone tells how long a peer's address is.
    /// - Returns: `nil` for what is no answer.
    package init?(_ bytes: [UInt8], isIPv6: Bool) {
        guard bytes.count >= 8, bytes.count <= Self.maximumByteCount else { return nil }
        // checked: each offset is asked for only where the bytes go beyond it.
        func number(at offset: Int) -> UInt32 { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        let transaction = number(at: 4)
        switch number(at: 0) {
        case Action.connect where bytes.count >= 16:
            // checked: the case: so many bytes are there.
            self = .connect(
                transaction: transaction, connection: bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) })
        case Action.announce where bytes.count >= 20:
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
        case Action.scrape:
            // checked: the stride ends where whole counts are left.
            let counts = stride(from: 8, through: bytes.count - 12, by: 12).map {
                ScrapeResponse.Counts(
                    complete: Int(number(at: $0)), downloaded: Int(number(at: $0 + 4)),
                    incomplete: Int(number(at: $0 + 8)))
            }
            self = .scrape(transaction: transaction, counts)
        case Action.error:
            // checked: at least eight bytes are there.
            let words = String(decoding: bytes[8...].prefix(256), as: UTF8.self)
            self = .error(transaction: transaction, words.filter { !$0.isNewline })
        default: return nil
        }
    }

    /// How many peers an answer has room for.
    package static func peerCapacity(isIPv6: Bool) -> Int { (maximumAnswerByteCount - 20) / (isIPv6 ? 18 : 6) }

    /// Writes the answer to the beginning of `bytes`: what does not fit, and peers of the other family, are left out.
    /// - Parameter isIPv6: whether the datagram goes over IPv6.
    /// - Returns: the number of bytes written, or 0 when not even the numbers that come first have room.
    package func write(to bytes: inout MutableRawSpan, isIPv6: Bool) -> Int {
        var writer = Writer(isFull: bytes.byteCount < 20)
        switch self {
        case .connect(let transaction, let connection):
            writer.append(Action.connect, to: &bytes)
            writer.append(transaction, to: &bytes)
            writer.append(connection, to: &bytes)
        case .announce(let transaction, let response):
            writer.append(Action.announce, to: &bytes)
            writer.append(transaction, to: &bytes)
            writer.append(UInt32(clamping: response.interval), to: &bytes)
            writer.append(UInt32(clamping: response.incomplete ?? 0), to: &bytes)
            writer.append(UInt32(clamping: response.complete ?? 0), to: &bytes)
            let length = isIPv6 ? 18 : 6
            for peer in response.peers where peer.isIPv6 == isIPv6 && writer.hasRoom(for: length, in: bytes) {
                let words = peer.host.words
                if isIPv6 { writer.append(words.high, to: &bytes) }
                if isIPv6 {
                    writer.append(words.low, to: &bytes)
                } else {
                    writer.append(UInt32(truncatingIfNeeded: words.low), to: &bytes)
                }
                writer.append(peer.port, to: &bytes)
            }
        case .scrape(let transaction, let counts):
            writer.append(Action.scrape, to: &bytes)
            writer.append(transaction, to: &bytes)
            for swarm in counts where writer.hasRoom(for: 12, in: bytes) {
                writer.append(UInt32(clamping: swarm.complete), to: &bytes)
                writer.append(UInt32(clamping: swarm.downloaded), to: &bytes)
                writer.append(UInt32(clamping: swarm.incomplete), to: &bytes)
            }
        case .error(let transaction, let words):
            writer.append(Action.error, to: &bytes)
            writer.append(transaction, to: &bytes)
            for byte in words.utf8 { writer.append(byte, to: &bytes) }
        }
        return writer.position
    }

    /// The datagram of this answer.
    package func encoded(isIPv6: Bool) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.maximumAnswerByteCount)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        let count = write(to: &raw, isIPv6: isIPv6)
        return Array(bytes.prefix(count))
    }

    /// Where the next number goes.
    private struct Writer {
        private(set) var position = 0
        private let isFull: Bool

        init(isFull: Bool) { self.isFull = isFull }

        func hasRoom(for count: Int, in bytes: borrowing MutableRawSpan) -> Bool {
            !isFull && position + count <= bytes.byteCount
        }

        mutating func append<Number: FixedWidthInteger & BitwiseCopyable>(
            _ number: Number, to bytes: inout MutableRawSpan
        ) {
            let count = MemoryLayout<Number>.size
            guard hasRoom(for: count, in: bytes) else { return }
            bytes.storeBytes(of: number.bigEndian, toByteOffset: position, as: Number.self)
            position += count
        }
    }
}
