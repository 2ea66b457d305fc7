// SPDX-License-Identifier: Apache-2.0

/// The 20 bytes by which a peer names itself to trackers and in handshakes (BEP 3). They prove nothing.
package struct PeerID: Hashable, Sendable {
    /// The number of bytes in a peer id.
    package static let byteCount = 20
    /// What Drover's own ids begin with, in the convention of BEP 20.
    package static let prefix = "-Dv0100-"

    private let stored: Words

    private struct Words: Hashable, Sendable {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt32 = 0
    }

    /// A peer id received from elsewhere.
    /// - Returns: `nil` unless `bytes` holds exactly 20 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        stored = Self.words(bytes)
    }

    private init(words: Words) { stored = words }

    /// An id from its bytes as numbers in network order: the first eight, the next eight and the last four.
    package init(_ first: UInt64, _ second: UInt64, _ third: UInt32) {
        stored = Words(first: first, second: second, third: third)
    }

    private static func words(_ bytes: some Sequence<UInt8>) -> Words {
        var words = Words()
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 0..<8: words.first = words.first << 8 | UInt64(byte)
            case 8..<16: words.second = words.second << 8 | UInt64(byte)
            default: words.third = words.third << 8 | UInt32(byte)
            }
        }
        return words
    }

    /// A fresh id: ``prefix`` and twelve random letters and digits.
    package static func generated(using random: inout some RandomNumberGenerator) -> PeerID {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        var bytes = Array(prefix.utf8)
        // checked: random below the count.
        while bytes.count < byteCount { bytes.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)]) }
        return PeerID(words: words(bytes))
    }

    /// The bytes as numbers in network order: the first eight, the next eight and the last four.
    package var words: (first: UInt64, second: UInt64, third: UInt32) { (stored.first, stored.second, stored.third) }

    /// The id's bytes in their order on the wire; always 20 of them.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        withUnsafeBytes(of: stored.first.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: stored.second.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: stored.third.bigEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }
}

extension PeerID: CustomStringConvertible {
    /// The id with every byte that is not a letter, a digit or `-` shown as `.`, for logs.
    package var description: String {
        let shown = bytes.map { byte -> UInt8 in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d: byte
            default: 0x2e
            }
        }
        return String(decoding: shown, as: UTF8.self)
    }
}
