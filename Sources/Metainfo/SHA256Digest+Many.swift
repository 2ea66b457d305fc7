// SPDX-License-Identifier: Apache-2.0

import CLeafHash

extension SHA256Digest {
    /// Whether this machine hashes several messages at once, and does it right.
    private static let hashesSeveral: Bool = {
        guard leaf_hash_is_available() else { return false }
        // Seven messages go through every number of them that is hashed at once.
        let (count, length) = (7, 192)
        let messages = (0..<1344).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 5) }
        return messages.withUnsafeBytes { messages in
            several(messages, each: length, count) == single(messages, each: length, count)
        }
    }()

    /// The digests of equally long messages that lie one behind the other.
    /// - Parameters:
    ///   - bytes: the messages; what is left over behind the last whole one is not looked at.
    ///   - length: of each, in bytes; more than 0.
    package static func digests(of bytes: UnsafeRawBufferPointer, each length: Int) -> [SHA256Digest] {
        let count = bytes.count / length  // checked: not 0.
        let isWhole = length.isMultiple(of: 64)
        return isWhole && hashesSeveral
            ? several(bytes, each: length, count) : single(bytes, each: length, count)
    }

    private static func several(_ bytes: UnsafeRawBufferPointer, each length: Int, _ count: Int) -> [SHA256Digest] {
        guard count > 0 else { return [] }
        // A digest is its 32 bytes and nothing else.
        return Array(unsafeUninitializedCapacity: count) { digests, initialized in
            leaf_hash_sha256(bytes.baseAddress, length, count, digests.baseAddress)
            initialized = count
        }
    }

    private static func single(_ bytes: UnsafeRawBufferPointer, each length: Int, _ count: Int) -> [SHA256Digest] {
        (0..<count).map { number in
            // checked: as many messages fit in.
            SHA256Digest(hashing: UnsafeRawBufferPointer(rebasing: bytes[number * length..<(number + 1) * length]))
        }
    }
}
