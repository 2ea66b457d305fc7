// SPDX-License-Identifier: Apache-2.0

/// The 20 bytes by which handshakes and trackers name a swarm: a version 1 info-hash, or the first 20 bytes of a
/// version 2 one (BEP 52).
package struct InfoHash: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number of bytes in the hash as handshakes and announces carry it.
    package static let byteCount = 20

    /// The hash's bytes; always 20 of them.
    package let bytes: [UInt8]

    /// A hash received from elsewhere.
    /// - Returns: `nil` unless `bytes` holds exactly 20 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// The version 1 info-hash as it goes over the wire.
    package init(_ digest: SHA1Digest) { bytes = digest.bytes }

    /// The version 2 info-hash, cut to the length that handshakes and announces have room for.
    package init(truncating digest: SHA256Digest) { bytes = Array(digest.bytes.prefix(Self.byteCount)) }

    package var description: String { bytes.hexadecimal }

    package static func < (left: InfoHash, right: InfoHash) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
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
