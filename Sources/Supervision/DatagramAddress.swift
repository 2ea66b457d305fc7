// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A socket of the local machine that takes datagrams, by its path or, after an `@`, by a name without one.
struct DatagramAddress {
    private var address = sockaddr_un()
    private let length: socklen_t

    /// - Returns: `nil` for what is neither, or is too long.
    init?(_ socket: String) {
        guard socket.first == "/" || socket.first == "@" else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(socket.utf8)
        // The kernel's names without a path begin with a zero byte, and have none at their end.
        let isAbstract = socket.first == "@"
        if isAbstract { name[0] = 0 }  // checked: the guard: there is a first character.
        guard name.count < MemoryLayout.size(ofValue: address.sun_path),
            let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)
        else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        length = socklen_t(start + name.count + (isAbstract ? 0 : 1))
    }

    /// Sends a message to it, and never waits.
    /// - Returns: whether it was taken as a whole.
    func send(_ message: [UInt8], from descriptor: Int32) -> Bool {
        var address = address
        let sent = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), $0, length)
            }
        }
        return sent == message.count
    }

    /// A socket to send from; negative when there is none to be had.
    static func sender() -> Int32 { socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }
}
