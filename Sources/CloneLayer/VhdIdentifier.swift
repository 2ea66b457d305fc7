// SPDX-License-Identifier: Apache-2.0

package import Metainfo

/// The UUID of a VHD: a child is bound to its parent by it.
package struct VhdIdentifier: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 16
    /// What a disk without a parent says of it.
    package static let none = VhdIdentifier(high: 0, low: 0)

    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random UUID (RFC 9562, version 4).
    package static func random() -> VhdIdentifier {
        VhdIdentifier(
            high: .random(in: 0...UInt64.max) & 0xffff_ffff_ffff_0fff | 0x4000,
            low: .random(in: 0...UInt64.max) & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000)
    }

    /// The UUID of the parent that is made for a master of this name and size (RFC 9562, version 8): a parent that has
    /// to be made again is the same one to the clones that name it.
    package static func ofParent(_ master: MasterName, size: Int64) -> VhdIdentifier {
        derived(from: SHA256Digest(hashing: Array("drover vhd parent\n\(master)\n\(size)\n".utf8)).bytes)
    }

    /// The UUID that the first 16 bytes of a digest make (RFC 9562, version 8).
    static func derived(from digest: [UInt8]) -> VhdIdentifier {
        VhdIdentifier(
            high: (digest.bigEndian(UInt64.self, at: 0) ?? 0) & 0xffff_ffff_ffff_0fff | 0x8000,
            low: (digest.bigEndian(UInt64.self, at: 8) ?? 0) & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000)
    }

    package var description: String {
        var bytes: [UInt8] = []
        bytes.append(self)
        let text = bytes.hexadecimal
        var groups: [Substring] = []
        var rest = text[...]
        for length in [8, 4, 4, 4, 12] {
            groups.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return groups.joined(separator: "-")
    }
}

extension Array<UInt8> {
    /// The UUID at `offset`, or `nil` when the bytes end before it does.
    func identifier(at offset: Int) -> VhdIdentifier? {
        guard let high = bigEndian(UInt64.self, at: offset), let low = bigEndian(UInt64.self, at: offset + 8) else {
            return nil
        }
        return VhdIdentifier(high: high, low: low)
    }

    /// Puts a UUID at the end, in the order of its text.
    mutating func append(_ identifier: VhdIdentifier) {
        appendBigEndian(identifier.high)
        appendBigEndian(identifier.low)
    }
}
