// SPDX-License-Identifier: Apache-2.0

import CLibcrypto

/// A SHA-1 digest, which version 1 and hybrid torrents still need (BEP 3). It never decides what is trusted.
package struct SHA1Digest: Hashable, Sendable {
    /// The number of bytes in a digest.
    package static let byteCount = 20

    /// The digest's bytes in their order on the wire; always 20 of them.
    package let bytes: [UInt8]

    /// The digest of `bytes`.
    package init(hashing bytes: UnsafeRawBufferPointer) {
        self.bytes = Array(unsafeUninitializedCapacity: Self.byteCount) { output, count in
            libcrypto_sha1(bytes.baseAddress, bytes.count, output.baseAddress)
            count = Self.byteCount
        }
    }

    /// The digest of `bytes`.
    package init(hashing bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { SHA1Digest(hashing: $0) }
    }

    /// A digest received from elsewhere.
    /// - Returns: `nil` unless `bytes` holds exactly 20 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// The digest in lower-case hexadecimal.
    package var hex: String { bytes.hexadecimal }
}
