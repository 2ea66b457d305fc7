// SPDX-License-Identifier: Apache-2.0

import Metainfo
package import NIOCore

/// Writes messages: a four-byte length, a byte that tells the kind, and the payload (BEP 3).
package enum MessageEncoder {
    /// Appends `message` to `buffer`.
    package static func encode(_ message: PeerMessage, into buffer: inout ByteBuffer) {
        switch message {
        case .keepAlive: buffer.writeInteger(UInt32(0))
        case .choke: header(MessageID.choke, 0, &buffer)
        case .unchoke: header(MessageID.unchoke, 0, &buffer)
        case .interested: header(MessageID.interested, 0, &buffer)
        case .notInterested: header(MessageID.notInterested, 0, &buffer)
        case .have(let piece): number(MessageID.have, piece, &buffer)
        case .bitfield(let bytes):
            header(MessageID.bitfield, bytes.count, &buffer)
            buffer.writeBytes(bytes)
        case .request(let block): encode(MessageID.request, block, &buffer)
        case .cancel(let block): encode(MessageID.cancel, block, &buffer)
        case .rejectRequest(let block): encode(MessageID.rejectRequest, block, &buffer)
        case .port(let port):
            header(MessageID.port, 2, &buffer)
            buffer.writeInteger(port)
        case .suggestPiece(let piece): number(MessageID.suggestPiece, piece, &buffer)
        case .haveAll: header(MessageID.haveAll, 0, &buffer)
        case .haveNone: header(MessageID.haveNone, 0, &buffer)
        case .allowedFast(let piece): number(MessageID.allowedFast, piece, &buffer)
        case .extended(let id, let payload):
            header(MessageID.extended, payload.count + 1, &buffer)
            buffer.writeInteger(id)
            buffer.writeBytes(payload)
        case .hashRequest(let request): encode(MessageID.hashRequest, request, [], &buffer)
        case .hashes(let request, let hashes): encode(MessageID.hashes, request, hashes, &buffer)
        case .hashReject(let request): encode(MessageID.hashReject, request, [], &buffer)
        case .unknown(let id): header(id, 0, &buffer)
        }
    }

    /// Appends the header of a `piece` message; `block.length` bytes of data must follow it.
    package static func encodeBlockHeader(_ block: BlockRequest, into buffer: inout ByteBuffer) {
        header(MessageID.piece, 8 + Int(block.length), &buffer)
        buffer.writeInteger(block.piece)
        buffer.writeInteger(block.begin)
    }

    /// The length of a `piece` message's header, length prefix included, in bytes.
    package static let blockHeaderLength = 13

    private static func header(_ id: UInt8, _ payload: Int, _ buffer: inout ByteBuffer) {
        // checked: nothing sent is as long as 4 GiB.
        buffer.writeInteger(UInt32(payload + 1))
        buffer.writeInteger(id)
    }

    private static func number(_ id: UInt8, _ value: UInt32, _ buffer: inout ByteBuffer) {
        header(id, 4, &buffer)
        buffer.writeInteger(value)
    }

    private static func encode(_ id: UInt8, _ block: BlockRequest, _ buffer: inout ByteBuffer) {
        header(id, 12, &buffer)
        buffer.writeInteger(block.piece)
        buffer.writeInteger(block.begin)
        buffer.writeInteger(block.length)
    }

    private static func encode(
        _ id: UInt8, _ request: HashRequest, _ hashes: [SHA256Digest], _ buffer: inout ByteBuffer
    ) {
        header(id, 48 + hashes.count * SHA256Digest.byteCount, &buffer)
        buffer.writeBytes(request.piecesRoot.bytes)
        for value in [request.baseLayer, request.index, request.length, request.proofLayers] {
            buffer.writeInteger(value)
        }
        for hash in hashes { hash.withUnsafeBytes { _ = buffer.writeBytes($0) } }
    }
}
