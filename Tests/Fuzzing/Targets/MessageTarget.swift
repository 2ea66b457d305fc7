// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerProtocol

/// What a decoder tells of a stream, with a block's bytes put together.
private struct Stream: Equatable {
    var messages: [Message] = []
    var violation: ProtocolViolation?

    enum Message: Equatable {
        case message(PeerMessage)
        case block(BlockRequest, [UInt8], isWhole: Bool)
    }

    /// Reads a stream that arrives in parts.
    init(_ parts: [ArraySlice<UInt8>], limits: MessageLimits) throws(Finding) {
        var decoder = MessageDecoder(limits: limits)
        for part in parts where violation == nil {
            var buffer = ByteBuffer(bytes: part)
            do {
                while let event = try decoder.next(from: &buffer) { try take(event) }
            } catch let error as ProtocolViolation {
                violation = error
            } catch let error as Finding {
                throw error
            } catch {
                throw Finding("\(error)")
            }
            try expect(violation != nil || buffer.readableBytes == 0, "bytes are left over")
        }
    }

    private mutating func take(_ event: MessageDecoder.Event) throws(Finding) {
        switch event {
        case .message(let message): messages.append(.message(message))
        case .block(let block): messages.append(.block(block, [], isWhole: false))
        case .blockBytes(let buffer):
            guard case .block(let block, let bytes, isWhole: false) = messages.popLast() else {
                throw Finding("bytes of a block that never began")
            }
            try expect(buffer.readableBytes > 0, "no bytes of a block")
            let all = bytes + Array(buffer.readableBytesView)
            try expect(all.count <= Int(block.length), "more bytes than the block has")
            messages.append(.block(block, all, isWhole: false))
        case .blockEnd:
            guard case .block(let block, let bytes, isWhole: false) = messages.popLast() else {
                throw Finding("the end of a block that never began")
            }
            try expectEqual(bytes.count, Int(block.length), "length of a block")
            messages.append(.block(block, bytes, isWhole: true))
        }
    }

    /// The stream written again; `nil` when it holds messages of unknown kinds, whose content is not kept.
    var bytes: [UInt8]? {
        var buffer = ByteBuffer()
        for message in messages {
            switch message {
            case .message(.unknown): return nil
            case .message(let message): MessageEncoder.encode(message, into: &buffer)
            case .block(let block, let bytes, _):
                MessageEncoder.encodeBlockHeader(block, into: &buffer)
                buffer.writeBytes(bytes)
            }
        }
        return Array(buffer.readableBytesView)
    }
}

extension FuzzTarget {
    /// A stream of messages is the same in one part or in many, and is written again to the byte. The first byte says
    /// how many pieces the image has, the second how the stream is cut.
    static let messages = FuzzTarget("messages") { bytes in
        var script = Script(bytes)
        var limits = MessageLimits(pieceCount: Int(script.byte()))
        // Low enough for the fuzzer to reach them.
        limits.blockLength = 512
        limits.extendedLength = 256
        limits.hashCount = 16
        limits.unknownLength = 128
        let longest = script.number(below: 64) + 1
        let stream = script.takeRest()
        var parts: [ArraySlice<UInt8>] = []
        var rest = stream[...]
        while !rest.isEmpty {
            // Parts of every length up to the longest, so that cuts fall everywhere.
            let length = parts.count * 7 % longest + 1
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        let whole = try Stream([stream[...]], limits: limits)
        try expectEqual(try Stream(parts, limits: limits), whole, "in parts of up to \(longest) bytes")
        guard let again = whole.bytes else { return }
        try expectEqual(again, Array(stream.prefix(again.count)), "written again")
    }
}
