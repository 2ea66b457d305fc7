// SPDX-License-Identifier: Apache-2.0

import Metainfo
package import NIOCore

/// Cuts a connection's byte stream into messages. A block's bytes are passed on as they come and are never gathered
/// here; of everything else at most one message is held, within ``MessageLimits``.
package struct MessageDecoder: Sendable {
    /// What the stream held next.
    package enum Event: Equatable, Sendable {
        case message(PeerMessage)
        /// A block begins; its bytes follow as ``blockBytes(_:)``.
        case block(BlockRequest)
        /// The next bytes of the block; never empty.
        case blockBytes(ByteBuffer)
        /// The block is complete.
        case blockEnd
    }

    private let limits: MessageLimits
    /// The beginning of a message whose rest has not arrived.
    private var pending = ByteBuffer()
    /// The bytes of the current block that are still to come; `nil` between blocks.
    private var blockRest: Int?

    package init(limits: MessageLimits) {
        self.limits = limits
    }

    /// How many bytes of the current block are still to come; 0 between blocks.
    package var restOfBlock: Int { blockRest ?? 0 }

    /// So many bytes of the current block were received elsewhere; not more than ``restOfBlock``.
    package mutating func tookOfBlock(_ count: Int) {
        guard let rest = blockRest else { return }
        blockRest = max(0, rest - count)
    }

    /// Takes the next event from `buffer`, consuming what it used; call until it returns `nil`.
    /// - Returns: `nil` when `buffer` is used up and nothing more can be told from it.
    /// - Throws: ``ProtocolViolation``; the connection cannot go on after it.
    package mutating func next(from buffer: inout ByteBuffer) throws(ProtocolViolation) -> Event? {
        if let rest = blockRest { return blockEvent(rest, from: &buffer) }
        guard pending.readableBytes > 0 else {
            let start = buffer.readerIndex
            if let event = try decode(from: &buffer) { return event }
            buffer.moveReaderIndex(to: start)
            pending.clear()
            pending.writeBuffer(&buffer)
            return nil
        }
        // Only what the begun message lacks is taken over, so that the following ones are read in place.
        while buffer.readableBytes > 0 {
            let missing = try needed(of: pending) - pending.readableBytes
            if var part = buffer.readSlice(length: min(max(missing, 1), buffer.readableBytes)) {
                pending.writeBuffer(&part)
            }
            var attempt = pending
            if let event = try decode(from: &attempt) {
                pending.clear()
                return event
            }
        }
        return nil
    }

    private mutating func blockEvent(_ rest: Int, from buffer: inout ByteBuffer) -> Event? {
        if rest == 0 {
            blockRest = nil
            return .blockEnd
        }
        guard buffer.readableBytes > 0, let part = buffer.readSlice(length: min(rest, buffer.readableBytes)) else {
            return nil
        }
        blockRest = rest - part.readableBytes
        return .blockBytes(part)
    }

    /// How many bytes, length prefix included, the message at the front of `buffer` needs before it can be decoded; of
    /// a `piece` message that is its header only.
    private func needed(of buffer: ByteBuffer) throws(ProtocolViolation) -> Int {
        let start = buffer.readerIndex
        guard let length = buffer.getInteger(at: start, as: UInt32.self) else { return 4 }
        guard length > 0 else { return 4 }
        guard let id = buffer.getInteger(at: start + 4, as: UInt8.self) else { return 5 }
        try check(id, length)
        return id == MessageID.piece ? MessageEncoder.blockHeaderLength : 4 + Int(length)
    }

    private mutating func decode(from buffer: inout ByteBuffer) throws(ProtocolViolation) -> Event? {
        guard buffer.readableBytes >= (try needed(of: buffer)), let length = buffer.readInteger(as: UInt32.self) else {
            return nil
        }
        guard length > 0 else { return .message(.keepAlive) }
        guard let id = buffer.readInteger(as: UInt8.self) else { return nil }
        if id == MessageID.piece {
            guard let piece = buffer.readInteger(as: UInt32.self), let begin = buffer.readInteger(as: UInt32.self)
            else { return nil }
            // checked: the shortest block message has ten bytes, and `needed` has seen to that.
            blockRest = Int(length) - 9
            return .block(BlockRequest(piece: piece, begin: begin, length: length - 9))
        }
        guard var payload = buffer.readSlice(length: Int(length) - 1),
            let message = Self.message(id, &payload)
        else { throw .badLength(id: id, length: length) }
        return .message(message)
    }

    /// Judges a declared length by the message's kind, before anything is kept of the message.
    private func check(_ id: UInt8, _ length: UInt32) throws(ProtocolViolation) {
        let exact: UInt32? =
            switch id {
            case MessageID.choke, MessageID.unchoke, MessageID.interested, MessageID.notInterested,
                MessageID.haveAll, MessageID.haveNone:
                1
            case MessageID.have, MessageID.suggestPiece, MessageID.allowedFast: 5
            case MessageID.request, MessageID.cancel, MessageID.rejectRequest: 13
            case MessageID.port: 3
            case MessageID.hashRequest, MessageID.hashReject: 49
            default: nil
            }
        if let exact {
            guard length == exact else { throw .badLength(id: id, length: length) }
            return
        }
        let shortest: Int
        let longest: Int
        switch id {
        case MessageID.bitfield: (shortest, longest) = (1, 1 + limits.bitfieldLength)
        case MessageID.piece: (shortest, longest) = (10, 9 + limits.blockLength)
        case MessageID.extended: (shortest, longest) = (2, 1 + limits.extendedLength)
        case MessageID.hashes: (shortest, longest) = (49, 49 + limits.hashCount * SHA256Digest.byteCount)
        default: (shortest, longest) = (1, 1 + limits.unknownLength)
        }
        guard Int64(length) >= Int64(shortest) else { throw .badLength(id: id, length: length) }
        guard Int64(length) <= Int64(longest) else { throw .tooLong(id: id, length: length) }
    }

    private static func message(_ id: UInt8, _ payload: inout ByteBuffer) -> PeerMessage? {
        switch id {
        case MessageID.choke: .choke
        case MessageID.unchoke: .unchoke
        case MessageID.interested: .interested
        case MessageID.notInterested: .notInterested
        case MessageID.have: payload.readInteger().map { .have($0) }
        case MessageID.bitfield: .bitfield(Array(payload.readableBytesView))
        case MessageID.request: block(&payload).map { .request($0) }
        case MessageID.cancel: block(&payload).map { .cancel($0) }
        case MessageID.port: payload.readInteger().map { .port($0) }
        case MessageID.suggestPiece: payload.readInteger().map { .suggestPiece($0) }
        case MessageID.haveAll: .haveAll
        case MessageID.haveNone: .haveNone
        case MessageID.rejectRequest: block(&payload).map { .rejectRequest($0) }
        case MessageID.allowedFast: payload.readInteger().map { .allowedFast($0) }
        case MessageID.extended:
            payload.readInteger(as: UInt8.self).map { .extended(id: $0, payload: Array(payload.readableBytesView)) }
        case MessageID.hashRequest: hashRange(&payload).map { .hashRequest($0) }
        case MessageID.hashReject: hashRange(&payload).map { .hashReject($0) }
        case MessageID.hashes: hashes(&payload)
        default: .unknown(id: id)
        }
    }

    private static func block(_ payload: inout ByteBuffer) -> BlockRequest? {
        payload.readMultipleIntegers(as: (UInt32, UInt32, UInt32).self).map {
            BlockRequest(piece: $0.0, begin: $0.1, length: $0.2)
        }
    }

    private static func hashRange(_ payload: inout ByteBuffer) -> HashRequest? {
        guard let root = payload.readBytes(length: SHA256Digest.byteCount).flatMap({ SHA256Digest($0) }),
            let numbers = payload.readMultipleIntegers(as: (UInt32, UInt32, UInt32, UInt32).self)
        else { return nil }
        return HashRequest(
            piecesRoot: root, baseLayer: numbers.0, index: numbers.1, length: numbers.2, proofLayers: numbers.3)
    }

    private static func hashes(_ payload: inout ByteBuffer) -> PeerMessage? {
        guard let range = hashRange(&payload), payload.readableBytes % SHA256Digest.byteCount == 0 else { return nil }
        var hashes: [SHA256Digest] = []
        hashes.reserveCapacity(payload.readableBytes / SHA256Digest.byteCount)
        while let bytes = payload.readBytes(length: SHA256Digest.byteCount) {
            guard let hash = SHA256Digest(bytes) else { return nil }
            hashes.append(hash)
        }
        return .hashes(range, hashes)
    }
}
