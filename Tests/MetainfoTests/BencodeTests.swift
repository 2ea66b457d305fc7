// SPDX-License-Identifier: Apache-2.0

import Metainfo
import TestSupport
import Testing

struct BencodeTests {
    static let roomy = BencodeLimits(byteCount: 1 << 20, depth: 32, valueCount: 10_000)

    static func decode(_ text: String, _ limits: BencodeLimits = roomy) throws(BencodeError) -> Bencode {
        try BencodeDecoder.decode(Array(text.utf8), limits: limits)
    }

    @Test(arguments: [
        ("i0e", Bencode.integer(0)), ("i-1e", .integer(-1)), ("i42e", .integer(42)),
        ("i9223372036854775807e", .integer(.max)), ("i-9223372036854775808e", .integer(.min)),
        ("0:", .text("")), ("4:spam", .text("spam")), ("10:0123456789", .text("0123456789")),
        ("le", .list([])), ("l4:spami7ee", .list([.text("spam"), .integer(7)])),
        ("llleee", .list([.list([.list([])])])),
        ("de", .dictionary([:])), ("d1:ai1e1:bi2ee", .dictionary(["a": .integer(1), "b": .integer(2)])),
        ("d0:i1e1:ai2ee", .dictionary(["": .integer(1), "a": .integer(2)])),
        ("d1:a1:x2:aa1:ye", .dictionary(["aa": .text("y"), "a": .text("x")])),
    ])
    func `a valid value is read and written back as it was`(_ text: String, _ value: Bencode) throws {
        #expect(try Self.decode(text) == value)
        #expect(value.encoded == Array(text.utf8))
    }

    @Test(arguments: [
        ("", BencodeError.truncated), ("i", .truncated), ("i-", .truncated), ("i12", .truncated), ("4", .truncated),
        ("4:", .truncated), ("4:spa", .truncated), ("l", .truncated), ("li1e", .truncated), ("d", .truncated),
        ("d1:a", .truncated), ("d1:ai1e", .truncated), ("99999999999:x", .truncated),
        ("9223372036854775807:x", .truncated),
        ("9223372036854775808:x", .integerOutOfRange(at: 0)),
        ("i9223372036854775808e", .integerOutOfRange(at: 1)), ("i-9223372036854775809e", .integerOutOfRange(at: 1)),
        ("i99999999999999999999999999e", .integerOutOfRange(at: 1)),
        ("ie", .notCanonical(at: 1)), ("i-e", .notCanonical(at: 1)), ("i-0e", .notCanonical(at: 1)),
        ("i00e", .notCanonical(at: 1)), ("i01e", .notCanonical(at: 1)), ("i-01e", .notCanonical(at: 1)),
        ("00:", .notCanonical(at: 0)), ("04:spam", .notCanonical(at: 0)),
        ("x", .unexpectedByte(at: 0)), ("e", .unexpectedByte(at: 0)), ("-1:a", .unexpectedByte(at: 0)),
        ("i+1e", .unexpectedByte(at: 1)), ("i 1e", .unexpectedByte(at: 1)), ("i1.5e", .unexpectedByte(at: 2)),
        ("i--1e", .unexpectedByte(at: 2)), ("4;spam", .unexpectedByte(at: 1)), (":", .unexpectedByte(at: 0)),
        ("di1ei2ee", .unexpectedByte(at: 1)), ("dlei1ee", .unexpectedByte(at: 1)), ("d1:ae", .unexpectedByte(at: 4)),
        ("d1:bi1e1:ai2ee", .unsortedKeys(at: 7)), ("d1:ai1e1:ai2ee", .unsortedKeys(at: 7)),
        ("d2:aai1e1:ai2ee", .unsortedKeys(at: 8)),
        ("i1ei2e", .trailingBytes(at: 3)), ("4:spam\n", .trailingBytes(at: 6)), ("dee", .trailingBytes(at: 2)),
    ])
    func `what is not canonical bencoding is refused`(_ text: String, _ error: BencodeError) {
        #expect(throws: error) { try Self.decode(text) }
    }

    @Test func `keys are ordered by their bytes and not as text`() throws {
        // "é" composed and decomposed are equal as text and different as bytes; and 0xff stands after every letter.
        let entries = [[0xff], Array("\u{e9}".utf8), Array("e\u{301}".utf8)].map {
            Bencode.Entry(key: $0, value: .integer(1))
        }
        let encoded = Bencode.sorted(entries).encoded
        #expect(encoded == Array("d3:e\u{301}i1e2:\u{e9}i1e".utf8) + [0x31, 0x3a, 0xff] + Array("i1ee".utf8))
        #expect(try BencodeDecoder.decode(encoded, limits: Self.roomy) == .sorted(entries))
    }

    @Test func `nesting is accepted to the limit and no deeper`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "l", count: depth + 1) + String(repeating: "e", count: depth + 1)
        }
        let limits = BencodeLimits(byteCount: 1 << 21, depth: 7, valueCount: 1 << 21)
        #expect(throws: Never.self) { try Self.decode(nested(7), limits) }
        #expect(throws: BencodeError.tooDeep) { try Self.decode(nested(8), limits) }
        #expect(throws: BencodeError.tooDeep) { try Self.decode(String(repeating: "l", count: 1 << 20), limits) }
        #expect(throws: BencodeError.tooDeep) { try Self.decode(String(repeating: "d0:", count: 300_000), limits) }
    }

    @Test func `length and number of values are accepted to the limit and no further`() throws {
        let limits = BencodeLimits(byteCount: 14, depth: 2, valueCount: 4)
        #expect(throws: Never.self) { try Self.decode("11:12345678901", limits) }
        #expect(throws: BencodeError.tooLong) { try Self.decode("12:123456789012", limits) }
        #expect(throws: Never.self) { try Self.decode("li1ei2ei3ee", limits) }
        #expect(throws: BencodeError.tooManyValues) { try Self.decode("l0:0:0:0:e", limits) }
        #expect(throws: BencodeError.tooManyValues) { try Self.decode("d1:a0:1:b0:e", limits) }
    }

    @Test func `the span of a key is exact and only the outermost dictionary counts`() throws {
        let text = "d1:ad4:infoi1ee4:infod1:bi2ee1:z0:e"
        let (value, span) = try BencodeDecoder.decode(Array(text.utf8), watching: "info", limits: Self.roomy)
        #expect(value["info"]?["b"]?.integer == 2)
        #expect(span.map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) } == "d1:bi2ee")
        let other = try BencodeDecoder.decode(Array("d1:ad4:infoi1eee".utf8), watching: "info", limits: Self.roomy)
        #expect(other.span == nil)
    }

    @Test func `a value in front of other bytes tells its length`() throws {
        let (value, count) = try BencodeDecoder.decodePrefix(Array("d1:ai1eeREST".utf8), limits: Self.roomy)
        #expect(value["a"]?.integer == 1 && count == 8)
        #expect(throws: BencodeError.truncated) {
            try BencodeDecoder.decodePrefix(Array("d1:ai1e".utf8), limits: Self.roomy)
        }
    }

    @Test(arguments: UInt64(1)...60)
    func `what is written is read back as it was`(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let value = Self.value(depth: 0, &random)
        let encoded = value.encoded
        #expect(try BencodeDecoder.decode(encoded, limits: Self.roomy) == value)
        // Every proper prefix is cut short and nothing else.
        for count in stride(from: 0, to: encoded.count, by: max(1, encoded.count / 50)) {
            #expect(throws: BencodeError.truncated) {
                try BencodeDecoder.decode(Array(encoded.prefix(count)), limits: Self.roomy)
            }
        }
    }

    @Test(arguments: UInt64(1)...40)
    func `no bytes whatever do harm, and what is accepted is canonical`(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        let alphabet = Array("idle0123456789:-:ed".utf8)
        for _ in 0..<400 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ -> UInt8 in
                Int.random(in: 0..<8, using: &random) == 0
                    ? UInt8.random(in: 0...255, using: &random) : alphabet.randomElement(using: &random) ?? 0
            }
            guard let value = try? BencodeDecoder.decode(bytes, limits: Self.roomy) else { continue }
            #expect(value.encoded == bytes)
        }
    }

    private static func value(depth: Int, _ random: inout SplitMix) -> Bencode {
        switch Int.random(in: 0..<(depth < 4 ? 4 : 2), using: &random) {
        case 0:
            return .integer(Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...63, using: &random))
        case 1: return .string(random.bytes(Int.random(in: 0...40, using: &random)))
        case 2: return .list((0..<Int.random(in: 0...6, using: &random)).map { _ in value(depth: depth + 1, &random) })
        default:
            var keys: Set<[UInt8]> = []
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                keys.insert(random.bytes(Int.random(in: 0...3, using: &random)))
            }
            return .sorted(keys.map { Bencode.Entry(key: $0, value: value(depth: depth + 1, &random)) })
        }
    }
}
