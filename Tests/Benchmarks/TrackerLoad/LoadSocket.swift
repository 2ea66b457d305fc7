// SPDX-License-Identifier: Apache-2.0

import CLinuxSockets
import Glibc
import TrackerProtocol

/// Sockets of the load: IPv4 and IPv6 on loopback.
enum LoadSocket {
    /// Opens a socket that does not block and leads to the address.
    /// - Parameter source: which of loopback's IPv4 addresses it comes from, so that ports do not run out.
    static func connected(to address: PeerAddress, kind: Int32, from source: UInt32 = 0) throws -> Int32 {
        let words = address.host.words
        let socket = Glibc.socket(
            address.isIPv6 ? AF_INET6 : AF_INET, kind | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw LoadError.system("no socket") }
        let status: Int32
        if address.isIPv6 {
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = address.port.bigEndian
            withUnsafeMutableBytes(of: &name.sin6_addr) {
                $0.storeBytes(of: words.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            status = call(&name) { connect(socket, $0, $1) }
        } else {
            var own = name(0x7f00_0001 + source, port: 0)
            var without: Int32 = 1
            setsockopt(socket, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &without, 4)
            guard source == 0 || call(&own, { bind(socket, $0, $1) }) == 0 else {
                throw LoadError.system("cannot bind")
            }
            var other = name(UInt32(truncatingIfNeeded: words.low), port: address.port)
            status = call(&other) { connect(socket, $0, $1) }
        }
        guard status == 0 || errno == EINPROGRESS else {
            let error = LoadError.system("cannot connect to \(address)")
            close(socket)
            throw error
        }
        return socket
    }

    private static func name(_ host: UInt32, port: UInt16) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = host.bigEndian
        return name
    }

    private static func call<Name>(
        _ name: inout Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafeBytes(of: &name) { bytes in
            bytes.baseAddress.map { body($0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) } ?? -1
        }
    }
}
