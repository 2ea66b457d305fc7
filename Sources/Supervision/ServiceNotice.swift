// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What a program tells the service manager that started it, in the words of `sd_notify(3)`.
package enum ServiceNotice: Sendable {
    /// It serves from now on. The text is for people, as `systemctl status` shows it.
    case ready(String)
    /// It was told to stop and is finishing.
    case stopping

    var text: String {
        switch self {
        // A new line would begin another word of the protocol.
        case .ready(let status): "READY=1\nSTATUS=\(status.map { $0.isNewline ? " " : "\($0)" }.joined())"
        case .stopping: "STOPPING=1"
        }
    }

    /// Sends the notice to the socket that the environment names, if it names one.
    ///
    /// A service that cannot reach its manager goes on: nothing is thrown, and the call never waits.
    /// - Parameter socket: the socket's path, or its name after an `@` for one without a path.
    /// - Returns: whether it was sent.
    @discardableResult
    package func send(to socket: String? = getenv("NOTIFY_SOCKET").map { String(cString: $0) }) -> Bool {
        guard let socket, socket.first == "/" || socket.first == "@" else { return false }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(socket.utf8)
        // The kernel's names without a path begin with a zero byte, and have none at their end.
        let isAbstract = name[0] == UInt8(ascii: "@")
        if isAbstract { name[0] = 0 }
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + name.count + (isAbstract ? 0 : 1) }
        guard let length else { return false }

        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let message = Array(text.utf8)
        let sent = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor, message, message.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), $0,
                    socklen_t(length))
            }
        }
        return sent == message.count
    }
}
