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
        guard let address = socket.flatMap({ DatagramAddress($0) }) else { return false }
        let sender = DatagramAddress.sender()
        guard sender >= 0 else { return false }
        defer { close(sender) }
        return address.send(Array(text.utf8), from: sender)
    }
}
