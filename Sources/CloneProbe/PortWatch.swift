// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc

/// Finds out whether a guest answers on its one port. A connection to the host's end of it always comes about; only the
/// machine knows whether the guest took it, and is asked.
final class PortWatch {
    /// How long one connection is given: longer than an emulated guest on a busy host takes for an answer, and than the
    /// machine waits before it asks a guest again that was not there. After that it begins anew.
    private static let patience = Duration.seconds(10)
    /// Bytes of an answer; more is nonsense.
    private static let answerLimit = 1 << 20

    private let port: UInt16
    /// Our end of the machine's monitor, and the machine's.
    private let monitor: Int32
    private(set) var machineEnd: Int32
    private var heard: [UInt8] = []
    private var isAsked = false
    private var connection: Int32 = -1
    private var connectedAt = ContinuousClock.now

    /// - Returns: `nil` when no connection can be made.
    init?(port: UInt16) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            return nil
        }
        self.port = port
        monitor = ends[0]
        machineEnd = ends[1]
        send(#"{"execute":"qmp_capabilities"}"#)
    }

    deinit { for descriptor in [monitor, machineEnd, connection] where descriptor >= 0 { close(descriptor) } }

    /// Looks, without waiting.
    func isOpen() -> Bool {
        if !isAsked {
            isAsked = true
            send(#"{"execute":"human-monitor-command","arguments":{"command-line":"info usernet"}}"#)
        }
        for answer in answers() {
            isAsked = false
            if take(answer) { return true }
        }
        return false
    }

    /// - Returns: whether the guest has taken a connection.
    private func take(_ answer: String) -> Bool {
        var forwarded: UInt16?
        for line in answer.split(whereSeparator: \.isNewline) {
            // Protocol and state, descriptor, source address and port, destination address and port, queues.
            let words = line.split(separator: " ")
            guard words.count >= 6, UInt16(words[5]) == port else { continue }
            if words[0] == "TCP[HOST_FORWARD]" { forwarded = UInt16(words[3]) }
            if words[0] == "TCP[ESTABLISHED]", connection >= 0 { return true }
        }
        if let forwarded, connection < 0 || connectedAt.duration(to: .now) > Self.patience { connect(to: forwarded) }
        return false
    }

    private func connect(to port: UInt16) {
        if connection >= 0 { close(connection) }
        connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        connectedAt = .now
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private func send(_ order: String) {
        let bytes = Array((order + "\n").utf8)
        _ = Glibc.send(monitor, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }

    /// The answers to questions that have come by now; greetings and events are passed over.
    private func answers() -> [String] {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(monitor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { break }
            heard += buffer.prefix(count)
            if heard.count > Self.answerLimit { heard = [] }
        }
        var answers: [String] = []
        while let end = heard.firstIndex(of: 0x0a) {
            if let answer = try? JSONDecoder().decode(Answer.self, from: Data(heard[..<end])) {
                answers.append(answer.text)
            }
            heard.removeSubrange(...end)
        }
        return answers
    }

    private struct Answer: Decodable {
        let text: String
        enum CodingKeys: String, CodingKey { case text = "return" }
    }
}
