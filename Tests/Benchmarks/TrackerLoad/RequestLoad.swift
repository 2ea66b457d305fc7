// SPDX-License-Identifier: Apache-2.0

import CLinuxSockets
import Glibc
import TrackerProtocol

/// Announces over HTTP from one thread, with many connections at once.
final class RequestLoad {
    struct Result {
        /// From the moment at which an announce was due to the last byte of its answer.
        var latencies: [Duration] = []
        var failures = 0
        var seconds = 0.0
    }

    private struct Exchange {
        var due: ContinuousClock.Instant
        var isSent = false
        var answer: [UInt8] = []
    }

    /// How long an announce may take before it counts as failed.
    private static let patience = Duration.seconds(30)
    private let address: PeerAddress
    private let requests: [[UInt8]]
    private let peers: Int
    private let keepsAlive: Bool
    private let epoll: Int32
    private var exchanges: [Int32: Exchange] = [:]
    private var next = 0
    private var result = Result()
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init(_ address: PeerAddress, _ crowd: Crowd, keepsAlive: Bool) throws {
        self.address = address
        self.keepsAlive = keepsAlive
        peers = crowd.peers
        requests = try (0..<2 * crowd.peers).map { number in
            let query = try crowd.announce(number).queryString
            let head = "GET /announce?\(query) HTTP/1.1\r\nHost: \(address)\r\n"
            return Array((head + (keepsAlive ? "\r\n" : "Connection: close\r\n\r\n")).utf8)
        }
        epoll = epoll_create1(0)
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    deinit { close(epoll) }

    /// Keeps so many announces under way until the time is over.
    func run(window: Int, seconds: Int) throws -> Result {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        while ContinuousClock.now < end {
            while exchanges.count < window { try begin(due: .now) }
            step(until: end)
        }
        result.seconds = Double((ContinuousClock.now - start) / .nanoseconds(1)) / 1e9
        for socket in exchanges.keys { close(socket) }
        return result
    }

    /// Starts an announce at each of these times, which are sorted, and waits for all.
    func run(starts: [Duration], seconds: Int) throws -> Result {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        var number = 0
        while number < starts.count || !exchanges.isEmpty, ContinuousClock.now < end {
            while number < starts.count, start + starts[number] <= .now {
                try begin(due: start + starts[number])
                number += 1
            }
            step(until: number < starts.count ? start + starts[number] : end)
        }
        result.failures += exchanges.count
        result.seconds = Double((ContinuousClock.now - start) / .nanoseconds(1)) / 1e9
        for socket in exchanges.keys { close(socket) }
        return result
    }

    private func begin(due: ContinuousClock.Instant) throws {
        // Each peer comes from an address of its own.
        let socket = try LoadSocket.connected(
            to: address, kind: Int32(SOCK_STREAM.rawValue), from: UInt32(1 + next % peers))
        // On loopback it is there at once, so that the request goes with it, as it does from a host that has only one.
        var exchange = Exchange(due: due)
        var event = epoll_event(events: UInt32(EPOLLOUT.rawValue), data: epoll_data(fd: socket))
        epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event)
        exchanges[socket] = exchange
        var wait = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        if poll(&wait, 1, 0) == 1 { transmit(socket, &exchange) }
    }

    private func step(until end: ContinuousClock.Instant) {
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        let wait = max(0, min(100, Int32((end - .now) / .milliseconds(1))))
        let count = epoll_wait(epoll, &events, 256, wait)
        for event in events.prefix(Int(max(0, count))) {
            let socket = event.data.fd
            guard var exchange = exchanges[socket] else { continue }
            if exchange.isSent {
                receive(socket, &exchange)
            } else {
                transmit(socket, &exchange)
            }
        }
        guard count == 0 else { return }
        for (socket, exchange) in exchanges where ContinuousClock.now - exchange.due > Self.patience { fail(socket) }
    }

    private func transmit(_ socket: Int32, _ exchange: inout Exchange) {
        let request = requests[next < requests.count ? next : peers + next % peers]
        guard send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return fail(socket) }
        next += 1
        exchange.isSent = true
        exchanges[socket] = exchange
        var event = epoll_event(events: UInt32(EPOLLIN.rawValue), data: epoll_data(fd: socket))
        epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event)
    }

    private func receive(_ socket: Int32, _ exchange: inout Exchange) {
        let count = recv(socket, &buffer, buffer.count, 0)
        if count < 0, errno == EAGAIN { return }
        if count > 0 { exchange.answer += buffer.prefix(count) }
        guard count <= 0 || Self.isWhole(exchange.answer) else {
            exchanges[socket] = exchange
            return
        }
        guard exchange.answer.starts(with: "HTTP/1.1 200".utf8) || exchange.answer.starts(with: "HTTP/1.0 200".utf8),
            exchange.answer.contains(UInt8(ascii: "e")), Self.isWhole(exchange.answer)
        else { return fail(socket) }
        result.latencies.append(.now - exchange.due)
        guard keepsAlive else {
            exchanges[socket] = nil
            close(socket)
            return
        }
        var again = Exchange(due: .now)
        transmit(socket, &again)
    }

    private func fail(_ socket: Int32) {
        result.failures += 1
        exchanges[socket] = nil
        close(socket)
    }

    /// Whether the body has the length that the head says.
    private static func isWhole(_ answer: [UInt8]) -> Bool {
        answer.withUnsafeBufferPointer { bytes in
            var line = 0
            var length: Int?
            // Lines of the head up to the empty one.
            while let end = bytes[line...].firstIndex(of: UInt8(ascii: "\n")) {
                if end - line <= 1 { return length.map { bytes.count >= end + 1 + $0 } ?? false }
                if bytes[line] | 0x20 == UInt8(ascii: "c"), end - line > 15, bytes[line + 14] == UInt8(ascii: ":") {
                    let digits = bytes[line + 15..<end].filter { (0x30...0x39).contains($0) }
                    length = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
                }
                line = end + 1
            }
            return false
        }
    }
}

private let EPOLL_CTL_ADD: Int32 = 1
private let EPOLL_CTL_MOD: Int32 = 3
