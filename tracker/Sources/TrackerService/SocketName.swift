// SPDX-License-Identifier: Apache-2.0

import CLinuxSockets
import Glibc
import TrackerProtocol

/// The names of sockets of either family, as the system has them.
enum SocketName {
    /// The longest name of an IP socket.
    static let byteCount = socklen_t(MemoryLayout<sockaddr_in6>.size)

    /// Binds a socket.
    /// - Returns: whether that was possible; otherwise `errno` says why.
    static func bind(_ socket: Int32, to address: PeerAddress) -> Bool {
        let words = address.host.words
        if address.isIPv6 {
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = address.port.bigEndian
            withUnsafeMutableBytes(of: &name.sin6_addr) {
                $0.storeBytes(of: words.high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: words.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return bind(socket, &name)
        }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = address.port.bigEndian
        name.sin_addr.s_addr = UInt32(truncatingIfNeeded: words.low).bigEndian
        return bind(socket, &name)
    }

    private static func bind<Name>(_ socket: Int32, _ name: inout Name) -> Bool {
        withUnsafeBytes(of: &name) { bytes in
            guard let base = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return Glibc.bind(socket, base, socklen_t(bytes.count)) == 0
        }
    }

    /// The address that a socket is bound to.
    static func address(of socket: Int32) -> PeerAddress? {
        var name = sockaddr_in6()
        var count = byteCount
        let status = withUnsafeMutableBytes(of: &name) { bytes in
            bytes.baseAddress.map { getsockname(socket, $0.assumingMemoryBound(to: sockaddr.self), &count) } ?? -1
        }
        guard status == 0, let host = host(name) else { return nil }
        return PeerAddress(host: host, port: UInt16(bigEndian: name.sin6_port))
    }

    /// The address in a name, an IPv4-mapped one as it is; the port of either family is at the same place.
    static func host(_ name: sockaddr_in6) -> IPAddress? {
        withUnsafeBytes(of: name) { bytes in
            if Int32(name.sin6_family) == AF_INET {
                return IPAddress(ipv4: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            }
            guard Int32(name.sin6_family) == AF_INET6 else { return nil }
            return IPAddress(
                ipv6: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
        }
    }
}
