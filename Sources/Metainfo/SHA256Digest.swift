// SPDX-License-Identifier: Apache-2.0

import CLibcrypto

/// A SHA-256 digest: 32 bytes, held inline so that tables of them need no allocation per entry.
package struct SHA256Digest: Hashable, Sendable {
    /// The number of bytes in a digest.
    package static let byteCount = 32

    /// Thirty-two zero bytes. A merkle tree pads its leaf layer with it (BEP 52); it is never the hash of real data.
    package static let zero = SHA256Digest()

    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    private init() {}

    /// The digest of `bytes`.
    package init(hashing bytes: UnsafeRawBufferPointer) {
        withUnsafeMutableBytes(of: &words) { digest in
            guard let output = digest.bindMemory(to: UInt8.self).baseAddress else { return }
            libcrypto_sha256(bytes.baseAddress, bytes.count, output)
        }
    }

    /// The digest of `bytes`.
    package init(hashing bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { SHA256Digest(hashing: $0) }
    }

    /// A digest received from elsewhere.
    /// - Returns: `nil` unless `bytes` holds exactly 32 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
    }

    /// Reads 64 hexadecimal digits.
    package init?(hexadecimal text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == 2 * Self.byteCount, digits.count == text.count else { return nil }
        // checked: an even number of digits, each of four bits.
        self.init(stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
    }

    /// The digest's bytes in their order on the wire.
    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The digest in lower-case hexadecimal.
    package var hex: String { bytes.hexadecimal }

    /// Calls `body` with the digest's 32 bytes.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }

    package static func == (left: SHA256Digest, right: SHA256Digest) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

extension SHA256Digest: CustomStringConvertible {
    package var description: String { hex }
}

extension Collection<UInt8> {
    /// The bytes in lower-case hexadecimal, two digits each.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(count * 2)
        for byte in self {
            // checked: four bits, and there are sixteen digits.
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
