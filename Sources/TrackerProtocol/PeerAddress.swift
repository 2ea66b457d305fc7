// SPDX-License-Identifier: Apache-2.0

/// Where a peer, or any listener, is reached: an address and a TCP port.
package struct PeerAddress: Hashable, Sendable {
    /// The address. Received IPv4-mapped IPv6 addresses are kept as they came; see ``IPAddress/unmapped``.
    package let host: IPAddress
    /// The port, 0 to 65535. Nobody can be dialled at 0; a listener asks for any free port with it.
    package let port: UInt16

    package init(host: IPAddress, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads a literal address with its port: `127.0.0.1:6881` or `[::1]:6881`. Names are not looked up.
    package init?(parsing text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        // checked: the colon was found in this text.
        var host = text[..<colon]
        let isBracketed = host.first == "[" && host.last == "]" && host.utf8.count > 2
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let port = DecimalNumber.parse(text[text.index(after: colon)...].utf8, as: UInt16.self),
            let address = IPAddress(parsing: host), address.isIPv6 == isBracketed
        else { return nil }
        self.init(host: address, port: port)
    }

    /// Reads the compact form: address and port in network order (BEP 23 for IPv4, BEP 7 for IPv6).
    /// - Returns: `nil` unless there are exactly 6 or 18 bytes.
    package init?(compact bytes: some Collection<UInt8>) {
        guard let host = IPAddress(bytes.dropLast(2)) else { return nil }
        self.init(host: host, port: bytes.suffix(2).reduce(0) { $0 << 8 | UInt16($1) })
    }

    /// The compact form: 6 bytes for IPv4, 18 for IPv6.
    package var compact: [UInt8] {
        // checked: halves of sixteen bits.
        host.bytes + [UInt8(port >> 8), UInt8(port & 0xff)]
    }

    /// Appends the compact form.
    func appendCompact(to bytes: inout [UInt8]) {
        let words = host.words
        if isIPv6 {
            withUnsafeBytes(of: words.high.bigEndian) { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: words.low.bigEndian) { bytes.append(contentsOf: $0) }
        } else {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: words.low).bigEndian) { bytes.append(contentsOf: $0) }
        }
        withUnsafeBytes(of: port.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package var isIPv6: Bool { host.isIPv6 }
    package var isLoopback: Bool { host.isLoopback }
}

extension PeerAddress: CustomStringConvertible {
    /// `1.2.3.4:5` or `[::1]:5`.
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
