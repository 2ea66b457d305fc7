// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address, held inline so that tables of peers need no allocation per entry.
///
/// An IPv4 address and its IPv4-mapped IPv6 form are different values; ``unmapped`` makes them one. Zone identifiers
/// (`fe80::1%eth0`) are not representable: they mean nothing on another host.
package struct IPAddress: Hashable, Sendable {
    // The flag comes last, so that what is beside an address fits behind it: a tracker looks at many of them.
    /// The first eight bytes of an IPv6 address; zero for IPv4.
    private let high: UInt64
    /// The last eight bytes of an IPv6 address, or the four of an IPv4 address.
    private let low: UInt64
    /// Whether this is an IPv6 address.
    package let isIPv6: Bool

    private init(isIPv6: Bool, high: UInt64, low: UInt64) {
        self.isIPv6 = isIPv6
        self.high = high
        self.low = low
    }

    /// An address from its bytes in network order.
    /// - Returns: `nil` unless there are exactly 4 or 16 of them.
    package init?(_ bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self.init(isIPv6: false, high: 0, low: Self.number(bytes))
        case 16: self.init(isIPv6: true, high: Self.number(bytes.prefix(8)), low: Self.number(bytes.dropFirst(8)))
        default: return nil
        }
    }

    /// An IPv4 address from its bytes as a number in network order.
    package init(ipv4 number: UInt32) {
        self.init(isIPv6: false, high: 0, low: UInt64(truncatingIfNeeded: number))
    }

    /// An IPv6 address from its two halves as numbers in network order.
    package init(ipv6 high: UInt64, _ low: UInt64) { self.init(isIPv6: true, high: high, low: low) }

    /// The address as two numbers in network order: the halves of an IPv6 address; zero and an IPv4 address.
    package var words: (high: UInt64, low: UInt64) { (high, low) }

    private static func number(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The address's bytes in network order: 4 or 16 of them.
    package var bytes: [UInt8] {
        isIPv6 ? Self.bytes(high, count: 8) + Self.bytes(low, count: 8) : Self.bytes(low, count: 4)
    }

    private static func bytes(_ number: UInt64, count: Int) -> [UInt8] {
        // checked: the count is 4 or 8, and each number below it.
        (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64((count - 1 - $0) * 8)) }
    }

    /// Whether the address is 127.0.0.0/8 or ::1, so that it means the host that names it.
    package var isLoopback: Bool { isIPv6 ? high == 0 && low == 1 : low >> 24 == 127 }

    /// Whether the address is 0.0.0.0 or ::, which a listener may use and nobody can dial.
    package var isUnspecified: Bool { high == 0 && low == 0 }

    /// The IPv4 address inside an IPv4-mapped IPv6 one (`::ffff:1.2.3.4`, RFC 4291 §2.5.5.2), as a socket that accepts
    /// both families reports IPv4 clients; any other address unchanged.
    package var unmapped: IPAddress {
        isIPv6 && high == 0 && low >> 32 == 0xffff
            ? IPAddress(isIPv6: false, high: 0, low: low & 0xffff_ffff) : self
    }
}
