// SPDX-License-Identifier: Apache-2.0

/// The addresses that begin with the same bits, such as `10.0.0.0/8` or `fe80::/10` (RFC 4632, RFC 4291 §2.3).
package struct NetworkPrefix: Hashable, Sendable, CustomStringConvertible {
    private let bytes: [UInt8]
    /// How many leading bits count.
    private let length: Int

    /// Reads `ADDRESS/BITS`, or an address alone, which then means itself only. Bits behind the prefix are ignored.
    package init?(parsing text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(parsing: first) else { return nil }
        let bytes = address.bytes
        var length = bytes.count * 8
        if parts.count == 2 {
            // checked: there are two parts.
            guard let bits = DecimalNumber.parse(parts[1].utf8, as: UInt8.self), Int(bits) <= length else { return nil }
            length = Int(bits)
        }
        self.bytes = bytes.enumerated().map { place, byte in byte & Self.mask(length, place) }
        self.length = length
    }

    /// The bits of the byte at `place` that a prefix of `length` bits covers.
    private static func mask(_ length: Int, _ place: Int) -> UInt8 {
        // checked: bits of an address, 128 at most.
        let covered = min(max(length - place * 8, 0), 8)
        return UInt8(truncatingIfNeeded: 0xff << (8 - covered))
    }

    /// Whether the address begins so. An IPv4 address in its IPv6 form counts as the IPv4 address.
    package func contains(_ address: IPAddress) -> Bool {
        let other = address.unmapped.bytes
        guard other.count == bytes.count else { return false }
        return zip(other, bytes).enumerated().allSatisfy { place, pair in
            pair.0 & Self.mask(length, place) == pair.1
        }
    }

    package var description: String { "\(IPAddress(bytes).map { "\($0)" } ?? "")/\(length)" }

    /// What never leaves an organisation or a link: loopback, private and link-local addresses (RFC 1122, 1918, 3927,
    /// 4193, 4291).
    package static let local = [
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7",
        "fe80::/10",
    ].compactMap { NetworkPrefix(parsing: $0) }
}
