// SPDX-License-Identifier: Apache-2.0

/// The 20 bytes by which handshakes and trackers name a swarm: a version 1 info-hash, or the first 20 bytes of a
/// version 2 one (BEP 52).
package struct InfoHash: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number of bytes in the hash as handshakes and announces carry it.
    package static let byteCount = 20

    /// The bytes as numbers in network order, held inline so that tables of swarms need no allocation per look-up.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt32

    /// A hash from its bytes as numbers in network order: the first eight, the next eight and the last four.
    package init(_ first: UInt64, _ second: UInt64, _ third: UInt32) {
        self.first = first
        self.second = second
        self.third = third
    }

    /// A hash received from elsewhere.
    /// - Returns: `nil` unless `bytes` holds exactly 20 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(first20: bytes)
    }

    /// - Parameter hexadecimal: 40 digits, in small or capital letters.
    /// - Returns: `nil` for anything else.
    package init?(hexadecimal: some StringProtocol) {
        let digits = hexadecimal.utf8
        guard digits.count == 2 * Self.byteCount else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x41...0x46: value = digit - 0x41 + 10
            case 0x61...0x66: value = digit - 0x61 + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        self.init(first20: bytes)
    }

    /// The version 1 info-hash as it goes over the wire.
    package init(_ digest: SHA1Digest) { self.init(first20: digest.bytes) }

    /// The version 2 info-hash, cut to the length that handshakes and announces have room for.
    package init(truncating digest: SHA256Digest) { self.init(first20: digest.bytes) }

    private init(first20 bytes: some Sequence<UInt8>) {
        var (first, second, third): (UInt64, UInt64, UInt32) = (0, 0, 0)
        for (place, byte) in bytes.prefix(Self.byteCount).enumerated() {
            switch place {
            case 0..<8: first = first << 8 | UInt64(byte)
            case 8..<16: second = second << 8 | UInt64(byte)
            default: third = third << 8 | UInt32(byte)
            }
        }
        self.init(first, second, third)
    }

    /// The hash's bytes; always 20 of them.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        withUnsafeBytes(of: first.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: second.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: third.bigEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// The bytes as numbers in network order: the first eight, the next eight and the last four.
    package var words: (UInt64, UInt64, UInt32) { (first, second, third) }

    package var description: String { bytes.hexadecimal }

    package static func < (left: InfoHash, right: InfoHash) -> Bool { left.words < right.words }
}

/// What a torrent's `info` dictionary hashes to, by version. At least one of the two is present.
package struct InfoHashes: Hashable, Sendable {
    /// SHA-1 of the `info` span; absent for version-2-only torrents.
    package let v1: SHA1Digest?
    /// SHA-256 of the `info` span; absent for version-1-only torrents.
    package let v2: SHA256Digest?

    package init(v1: SHA1Digest?, v2: SHA256Digest?) {
        self.v1 = v1
        self.v2 = v2
    }

    /// Every name the swarm goes by on the wire, version 2 first.
    package var onTheWire: [InfoHash] {
        [v2.map { InfoHash(truncating: $0) }, v1.map { InfoHash($0) }].compactMap { $0 }
    }
}
