// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import Testing

/// Every message as bytes, both ways.
struct MessageTests {
    static let limits = MessageLimits(pieceCount: 100)
    private static let root = [UInt8](0x20..<0x40)
    private static let numbers: [UInt8] = [0, 0, 0, 4, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 5]

    /// Messages with the bytes that BEP 3, 6, 10 and 52 prescribe.
    static let vectors: [(message: PeerMessage, bytes: [UInt8])] = {
        let block = BlockRequest(piece: 0x0102_0304, begin: 0x4000, length: 0x4000)
        let blockBytes: [UInt8] = [1, 2, 3, 4, 0, 0, 0x40, 0, 0, 0, 0x40, 0]
        var vectors: [(PeerMessage, [UInt8])] = [
            (.keepAlive, [0, 0, 0, 0]),
            (.choke, [0, 0, 0, 1, 0]),
            (.unchoke, [0, 0, 0, 1, 1]),
            (.interested, [0, 0, 0, 1, 2]),
            (.notInterested, [0, 0, 0, 1, 3]),
            (.have(0x0102_0304), [0, 0, 0, 5, 4, 1, 2, 3, 4]),
            (.bitfield([0xff, 0x80]), [0, 0, 0, 3, 5, 0xff, 0x80]),
            (.request(block), [0, 0, 0, 13, 6] + blockBytes),
            (.cancel(block), [0, 0, 0, 13, 8] + blockBytes),
            (.port(0x1ae1), [0, 0, 0, 3, 9, 0x1a, 0xe1]),
            (.suggestPiece(7), [0, 0, 0, 5, 13, 0, 0, 0, 7]),
            (.haveAll, [0, 0, 0, 1, 14]),
            (.haveNone, [0, 0, 0, 1, 15]),
            (.rejectRequest(block), [0, 0, 0, 13, 16] + blockBytes),
            (.allowedFast(7), [0, 0, 0, 5, 17, 0, 0, 0, 7]),
            (.extended(id: 0, payload: Array("de".utf8)), [0, 0, 0, 4, 20, 0, 0x64, 0x65]),
            (.extended(id: 9, payload: []), [0, 0, 0, 2, 20, 9]),
        ]
        guard let root = SHA256Digest(root), let other = SHA256Digest([UInt8](repeating: 9, count: 32)) else {
            return []
        }
        let range = HashRequest(piecesRoot: root, baseLayer: 4, index: 512, length: 256, proofLayers: 5)
        vectors += [
            (.hashRequest(range), [0, 0, 0, 49, 21] + Self.root + numbers),
            (.hashes(range, [other, root]), [0, 0, 0, 113, 22] + Self.root + numbers + other.bytes + Self.root),
            (.hashes(range, []), [0, 0, 0, 49, 22] + Self.root + numbers),
            (.hashReject(range), [0, 0, 0, 49, 23] + Self.root + numbers),
        ]
        return vectors
    }()

    /// Everything a decoder makes of `chunks`, the bytes of a block joined.
    static func decode(_ chunks: [[UInt8]], _ limits: MessageLimits = limits) throws -> [MessageDecoder.Event] {
        var decoder = MessageDecoder(limits: limits)
        var events: [MessageDecoder.Event] = []
        for chunk in chunks {
            var buffer = ByteBuffer(bytes: chunk)
            while let event = try decoder.next(from: &buffer) {
                if case .blockBytes(var bytes) = event, case .blockBytes(var before) = events.last {
                    before.writeBuffer(&bytes)
                    events[events.count - 1] = .blockBytes(before)
                } else {
                    events.append(event)
                }
            }
            #expect(buffer.readableBytes == 0)
        }
        return events
    }

    @Test func `every message is written and read as prescribed`() throws {
        #expect(Self.vectors.count == 21)
        for (message, bytes) in Self.vectors {
            var buffer = ByteBuffer()
            MessageEncoder.encode(message, into: &buffer)
            #expect(Array(buffer.readableBytesView) == bytes)
            #expect(try Self.decode([bytes]) == [.message(message)])
        }
    }

    @Test func `a block is a header and the bytes that follow it`() throws {
        var buffer = ByteBuffer()
        MessageEncoder.encodeBlockHeader(BlockRequest(piece: 1, begin: 0x4000, length: 3), into: &buffer)
        #expect(Array(buffer.readableBytesView) == [0, 0, 0, 12, 7, 0, 0, 0, 1, 0, 0, 0x40, 0])
        #expect(buffer.readableBytes == MessageEncoder.blockHeaderLength)
        let events = try Self.decode([Array(buffer.readableBytesView) + [7, 8, 9, 0, 0, 0, 0]])
        #expect(
            events == [
                .block(BlockRequest(piece: 1, begin: 0x4000, length: 3)), .blockBytes(ByteBuffer(bytes: [7, 8, 9])),
                .blockEnd, .message(.keepAlive),
            ])
    }

    @Test func `the rest of a block may be received elsewhere`() throws {
        var decoder = MessageDecoder(limits: Self.limits)
        var buffer = ByteBuffer()
        let block = BlockRequest(piece: 1, begin: 0x4000, length: 9)
        MessageEncoder.encodeBlockHeader(block, into: &buffer)
        buffer.writeBytes([1, 2])
        #expect(decoder.restOfBlock == 0)
        #expect(try decoder.next(from: &buffer) == .block(block))
        #expect(try decoder.next(from: &buffer) == .blockBytes(ByteBuffer(bytes: [1, 2])))
        #expect(try decoder.next(from: &buffer) == nil)
        #expect(decoder.restOfBlock == 7)
        decoder.tookOfBlock(5)
        buffer.writeBytes([8, 9, 0, 0, 0, 0])
        #expect(try decoder.next(from: &buffer) == .blockBytes(ByteBuffer(bytes: [8, 9])))
        #expect(try decoder.next(from: &buffer) == .blockEnd)
        #expect(try decoder.next(from: &buffer) == .message(.keepAlive))
        // Between blocks there is nothing of which anything could be taken.
        decoder.tookOfBlock(5)
        #expect(decoder.restOfBlock == 0)
    }

    @Test func `an unknown message is skipped`() throws {
        #expect(
            try Self.decode([[0, 0, 0, 4, 99, 1, 2, 3, 0, 0, 0, 1, 1]])
                == [.message(.unknown(id: 99)), .message(.unchoke)])
    }

    /// A stream that holds every kind of message and blocks in between, and what it means.
    private static var stream: (bytes: [UInt8], events: [MessageDecoder.Event]) {
        var bytes: [UInt8] = []
        var events: [MessageDecoder.Event] = []
        for (number, vector) in vectors.enumerated() {
            bytes += vector.bytes
            events.append(.message(vector.message))
            let content = [UInt8](repeating: UInt8(number), count: number * 3 + 1)
            let block = BlockRequest(piece: UInt32(number), begin: 0, length: UInt32(content.count))
            var buffer = ByteBuffer()
            MessageEncoder.encodeBlockHeader(block, into: &buffer)
            bytes += Array(buffer.readableBytesView) + content
            events += [.block(block), .blockBytes(ByteBuffer(bytes: content)), .blockEnd]
        }
        return (bytes, events)
    }

    @Test func `a stream cut anywhere gives the same events`() throws {
        let (bytes, events) = Self.stream
        #expect(try Self.decode([bytes]) == events)
        #expect(try Self.decode(bytes.map { [$0] }) == events)
        for cut in 0...bytes.count {
            #expect(try Self.decode([Array(bytes[..<cut]), Array(bytes[cut...])]) == events)
        }
    }

    @Test(arguments: UInt64(1)...60)
    func `a stream cut at random gives the same events`(_ seed: UInt64) throws {
        let (bytes, events) = Self.stream
        var random = Numbers(state: seed)
        var chunks: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 0...40, using: &random))
            chunks.append(Array(bytes[start..<end]))
            start = end
        }
        #expect(try Self.decode(chunks) == events)
    }

    /// For each kind: the lengths that are accepted at its edges, and the ones just beyond with their error.
    struct Edge: Sendable, CustomTestStringConvertible {
        let id: UInt8
        let shortest: Int
        let longest: Int
        /// Whether a longer one is too long rather than impossible.
        var isBounded = false
        var testDescription: String { "message \(id)" }
    }

    static let edges: [Edge] =
        [0, 1, 2, 3, 14, 15].map { Edge(id: $0, shortest: 1, longest: 1) }
        + [4, 13, 17].map { Edge(id: $0, shortest: 5, longest: 5) }
        + [6, 8, 16].map { Edge(id: $0, shortest: 13, longest: 13) }
        + [21, 23].map { Edge(id: $0, shortest: 49, longest: 49) }
        + [
            Edge(id: 9, shortest: 3, longest: 3),
            Edge(id: 5, shortest: 1, longest: 1 + 13, isBounded: true),
            Edge(id: 7, shortest: 10, longest: 9 + 16384, isBounded: true),
            Edge(id: 20, shortest: 2, longest: 1 + 65536, isBounded: true),
            Edge(id: 22, shortest: 49, longest: 49 + (8192 + 64) * 32, isBounded: true),
            Edge(id: 200, shortest: 1, longest: 1 + 16384, isBounded: true),
        ]

    @Test(arguments: edges)
    func `lengths are accepted to the edge and judged before anything more arrives`(_ edge: Edge) throws {
        func prefix(_ length: Int) -> [UInt8] {
            withUnsafeBytes(of: UInt32(length).bigEndian) { Array($0) } + [edge.id]
        }
        for length in Set([edge.shortest, edge.longest]) {
            let message = prefix(length) + [UInt8](repeating: 0, count: length - 1)
            #expect(try Self.decode([message]).isEmpty == false)
            #expect(
                try Self.decode([Array(message.dropLast())]).contains { if case .message = $0 { true } else { false } }
                    == false)
        }
        if edge.shortest > 1 {
            let length = UInt32(edge.shortest - 1)
            #expect(throws: ProtocolViolation.badLength(id: edge.id, length: length)) {
                try Self.decode([prefix(Int(length))])
            }
        }
        for length in [UInt32(edge.longest + 1), .max] {
            let error: ProtocolViolation =
                edge.isBounded ? .tooLong(id: edge.id, length: length) : .badLength(id: edge.id, length: length)
            #expect(throws: error) { try Self.decode([prefix(Int(length))]) }
            #expect(throws: error) { try Self.decode(prefix(Int(length)).map { [$0] }) }
        }
    }

    @Test func `hashes that are not whole are refused`() {
        let bytes: [UInt8] = [0, 0, 0, 50, 22] + [UInt8](repeating: 0, count: 49)
        #expect(throws: ProtocolViolation.badLength(id: 22, length: 50)) { try Self.decode([bytes]) }
    }

    @Test(arguments: UInt64(1)...200)
    func `no bytes whatever do harm`(_ seed: UInt64) {
        var random = Numbers(state: seed)
        var decoder = MessageDecoder(limits: MessageLimits(pieceCount: 50))
        for _ in 0..<200 {
            // Plausible lengths and kinds now and then, so that the decoder gets beyond the first bytes.
            var bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                bytes =
                    [0, 0, 0, UInt8.random(in: 0...60, using: &random), UInt8.random(in: 0...24, using: &random)]
                    + bytes
            }
            var buffer = ByteBuffer(bytes: bytes)
            do {
                while let event = try decoder.next(from: &buffer) {
                    guard case .message(let message) = event else { continue }
                    if case .unknown = message { continue }
                    var encoded = ByteBuffer()
                    MessageEncoder.encode(message, into: &encoded)
                    #expect(try Self.decode([Array(encoded.readableBytesView)]) == [.message(message)])
                }
            } catch {
                decoder = MessageDecoder(limits: MessageLimits(pieceCount: 50))
            }
        }
    }
}

/// A small generator whose sequence depends on the seed alone (SplitMix64).
struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
