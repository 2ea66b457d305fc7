// SPDX-License-Identifier: Apache-2.0

package import Metainfo
package import NIOCore
package import TrackerProtocol

/// The 68 bytes that open a connection (BEP 3), with the feature bits Drover knows.
package struct Handshake: Equatable, Sendable {
    /// The length of a handshake on the wire, in bytes.
    package static let byteCount = 68

    private static let preamble: [UInt8] = [19] + Array("BitTorrent protocol".utf8)

    /// The swarm that is meant: on a connection the initiator chooses it, and the responder answers with the same or,
    /// where ``offersV2`` was set, with the version 2 hash of the same torrent.
    package var infoHash: InfoHash
    package var peerID: PeerID
    /// Both sides speak the fast extension only when both set the bit (BEP 6).
    package var supportsFast: Bool
    /// The extension protocol (BEP 10).
    package var supportsExtensions: Bool
    /// The initiator named a hybrid by its version 1 hash and can speak version 2 (BEP 52).
    package var offersV2: Bool

    package init(
        infoHash: InfoHash, peerID: PeerID, supportsFast: Bool = true, supportsExtensions: Bool = true,
        offersV2: Bool = false
    ) {
        self.infoHash = infoHash
        self.peerID = peerID
        self.supportsFast = supportsFast
        self.supportsExtensions = supportsExtensions
        self.offersV2 = offersV2
    }

    /// Appends the handshake to `buffer`.
    package func encode(into buffer: inout ByteBuffer) {
        var reserved = [UInt8](repeating: 0, count: 8)
        // checked: there are eight reserved bytes.
        if supportsExtensions { reserved[5] |= 0x10 }
        if supportsFast { reserved[7] |= 0x04 }
        if offersV2 { reserved[7] |= 0x10 }
        buffer.writeBytes(Self.preamble)
        buffer.writeBytes(reserved)
        buffer.writeBytes(infoHash.bytes)
        buffer.writeBytes(peerID.bytes)
    }

    /// Takes a handshake from the front of `buffer`.
    /// - Returns: `nil` while fewer than 68 bytes are there and those present can still begin one.
    /// - Throws: ``ProtocolViolation/notBitTorrent`` at the first byte that cannot.
    package static func decode(from buffer: inout ByteBuffer) throws(ProtocolViolation) -> Handshake? {
        let start = buffer.readableBytesView.prefix(preamble.count)
        guard preamble.starts(with: start) else { throw .notBitTorrent }
        guard buffer.readableBytes >= byteCount,
            buffer.readBytes(length: preamble.count) != nil,
            let reserved = buffer.readBytes(length: 8),
            let hash = buffer.readBytes(length: InfoHash.byteCount).flatMap({ InfoHash($0) }),
            let peer = buffer.readBytes(length: 20).flatMap({ PeerID($0) })
        else { return nil }
        // checked: eight reserved bytes were read.
        return Handshake(
            infoHash: hash, peerID: peer, supportsFast: reserved[7] & 0x04 != 0,
            supportsExtensions: reserved[5] & 0x10 != 0, offersV2: reserved[7] & 0x10 != 0)
    }
}
