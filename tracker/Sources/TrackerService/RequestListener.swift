// SPDX-License-Identifier: Apache-2.0

import CLinuxSockets
import Glibc
import Synchronization
import TrackerProtocol

/// HTTP connections on one address. A thread accepts them and answers announces and scrapes that arrive in one piece; a
/// connection on which anything else arrives, TLS among it, is handed over, with nothing taken from it.
final class RequestListener: Sendable {
    /// Connections accepted, and events taken, at once.
    private static let batchCount = 64
    private static let bufferByteCount = 16 << 10
    /// Requests of one connection that are answered before others have their turn.
    private static let requestsPerTurn = 16
    /// Connections that the kernel keeps until they are accepted.
    private static let backlog: Int32 = 4096

    private let socket: Int32
    private let epoll: Int32
    /// Becomes readable when the thread is to end.
    private let stop: Int32
    /// Where it listens, with the actual port.
    let address: PeerAddress
    private let desk: AnnounceDesk
    private let isTLS: Bool
    private let lag: (@Sendable () -> Duration)?
    private let connectionLimit: Int
    private let waitingLimit: Int
    private let patience: Duration
    /// Connections that were handed over and have not ended.
    private let elsewhere = Atomic<Int>(0)

    /// Begins to listen, so that it is known at once whether the address can be had.
    /// - Parameters:
    ///   - isTLS: whether nothing is answered that comes without TLS.
    ///   - lag: how far behind it is with its work; `nil` to measure it.
    init(
        address: PeerAddress, desk: AnnounceDesk, isTLS: Bool = false, lag: (@Sendable () -> Duration)? = nil,
        limits: RequestLimits
    ) throws(TrackerError) {
        self.desk = desk
        self.isTLS = isTLS
        self.lag = lag
        connectionLimit = OpenFiles.connections(atMost: limits.connections)
        waitingLimit = min(limits.waitingConnections, connectionLimit / 2)
        patience = .seconds(limits.idleSeconds)
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        socket = Glibc.socket(family, kind, 0)
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        stop = eventfd(0, Int32(EFD_CLOEXEC))
        var one: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        guard SocketName.bind(socket, to: address), listen(socket, Self.backlog) == 0,
            let own = SocketName.address(of: socket)
        else {
            let error = TrackerError(listeningOn: address, failedWith: errno)
            for file in [socket, epoll, stop] { close(file) }
            throw error
        }
        self.address = own
        watch(socket)
        watch(stop)
    }

    deinit { for file in [socket, epoll, stop] { close(file) } }

    /// Ends ``serve(handOver:)``.
    func end() { eventfd_write(stop, 1) }

    /// A connection that was handed over has ended.
    func ended() { elsewhere.subtract(1, ordering: .relaxed) }

    /// Serves until ``end()`` is called.
    /// - Parameter handOver: takes over a connected socket.
    func serve(handOver: (Int32) -> Void) {
        var crowd = Crowd()
        var events = [epoll_event](repeating: epoll_event(), count: Self.batchCount)
        var isPaused = false
        while true {
            // A second is how late patience may end.
            let timeout: Int32 = isPaused ? 50 : crowd.isCaughtUp ? 1000 : 0
            let count = Int(epoll_wait(epoll, &events, Int32(Self.batchCount), timeout))
            crowd.now = ContinuousClock.now - crowd.start
            if isPaused, hasRoom(crowd) {
                watch(socket)
                isPaused = false
            }
            crowd.measureLag(overriddenBy: lag)
            crowd.isCaughtUp = count < Self.batchCount
            for event in events.prefix(max(0, count)) {
                switch event.data.fd {
                case stop:
                    // Nobody is let in any more, while the connections that were handed over may go on for a while.
                    shutdown(socket, Int32(SHUT_RDWR))
                    for connection in crowd.connections.keys { close(connection) }
                    return
                case socket:
                    isPaused = !accept(&crowd, handOver)
                    if isPaused { forget(socket) }
                default: read(event.data.fd, &crowd, handOver)
                }
            }
            endOldest(&crowd)
        }
    }

    /// The connections that wait for a request.
    private struct Crowd {
        struct Connection {
            let host: IPAddress
            let serial: UInt64
            var since: Duration
            var isWatched = false
        }

        let start = ContinuousClock.now
        var now = Duration.zero
        var connections: [Int32: Connection] = [:]
        var line = WaitingLine()
        var serial: UInt64 = 0
        /// Whether the last turn came by everything that waited, and when one last did.
        var isCaughtUp = true
        var caughtUp = Duration.zero
        /// How long something may have waited that is answered now.
        var lag = Duration.zero
        var buffer = [UInt8](repeating: 0, count: RequestListener.bufferByteCount)

        mutating func measureLag(overriddenBy known: (@Sendable () -> Duration)?) {
            if isCaughtUp { caughtUp = now }
            lag = known?() ?? now - caughtUp
        }
    }

    private func hasRoom(_ crowd: Crowd) -> Bool {
        crowd.connections.count + elsewhere.load(ordering: .relaxed) < connectionLimit
    }

    /// - Returns: `false` when there is no room for more connections just now.
    private func accept(_ crowd: inout Crowd, _ handOver: (Int32) -> Void) -> Bool {
        for _ in 0..<Self.batchCount {
            guard hasRoom(crowd) else { return false }
            var name = sockaddr_in6()
            var count = SocketName.byteCount
            let connection = withUnsafeMutableBytes(of: &name) { bytes in
                bytes.baseAddress.map {
                    accept4(
                        socket, $0.assumingMemoryBound(to: sockaddr.self), &count,
                        Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue))
                } ?? -1
            }
            guard connection >= 0 else {
                // Out of files or memory: some connections have to end first.
                return ![EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno)
            }
            guard let host = SocketName.host(name)?.unmapped else {
                close(connection)
                continue
            }
            crowd.serial += 1
            crowd.connections[connection] = Crowd.Connection(host: host, serial: crowd.serial, since: crowd.now)
            // The request has often come with the connection.
            read(connection, &crowd, handOver)
        }
        crowd.isCaughtUp = false
        return true
    }

    private func read(_ connection: Int32, _ crowd: inout Crowd, _ handOver: (Int32) -> Void) {
        guard let host = crowd.connections[connection]?.host else { return }
        // Who sends without end has its turn like everybody else.
        for _ in 0..<Self.requestsPerTurn {
            let count = recv(connection, &crowd.buffer, crowd.buffer.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
            if count < 0, errno == EAGAIN { return wait(connection, &crowd) }
            guard count > 0 else { return drop(connection, &crowd) }
            let plain =
                isTLS
                ? nil : crowd.buffer.withUnsafeBytes { PlainRequest(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            // A connection that is closed while more waits in it is reset, and the answer lost.
            guard let request = plain, request.keepsAlive || request.byteCount == count else {
                if crowd.connections[connection]?.isWatched == true { forget(connection) }
                crowd.connections[connection] = nil
                elsewhere.add(1, ordering: .relaxed)
                return handOver(connection)
            }
            _ = recv(connection, &crowd.buffer, request.byteCount, 0)
            let answer = answer(request, from: host, lag: crowd.lag)
            // Who takes so little that an answer does not fit is not waited for.
            guard send(connection, answer, answer.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) == answer.count,
                request.keepsAlive
            else { return drop(connection, &crowd) }
            crowd.connections[connection]?.since = crowd.now
        }
        wait(connection, &crowd)
    }

    private func answer(_ request: PlainRequest, from host: IPAddress, lag: Duration) -> [UInt8] {
        let answer =
            switch request.path {
            case .announce: desk.announce(request.query, from: host, lag: lag)
            case .scrape: desk.scrape(request.query)
            }
        let end = request.keepsAlive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n"
        switch answer {
        case .body(let body):
            var bytes: [UInt8] = []
            bytes.reserveCapacity(128 + body.count)
            bytes += "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ".utf8
            bytes += String(body.count).utf8
            bytes += end.utf8
            bytes += body
            return bytes
        case .busy(let seconds):
            let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: \(seconds)\(end)"
            return Array(head.utf8)
        }
    }

    private func wait(_ connection: Int32, _ crowd: inout Crowd) {
        guard let waiting = crowd.connections[connection], !waiting.isWatched else { return }
        var one: Int32 = 1
        setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        watch(connection)
        crowd.connections[connection]?.isWatched = true
        crowd.line.append(WaitingLine.Entry(socket: connection, serial: waiting.serial, since: waiting.since))
    }

    private func drop(_ connection: Int32, _ crowd: inout Crowd) {
        crowd.connections[connection] = nil
        close(connection)
    }

    /// Ends connections whose request takes too long to come, and the oldest ones where there are too many.
    private func endOldest(_ crowd: inout Crowd) {
        while let entry = crowd.line.first {
            let connection = crowd.connections[entry.socket].flatMap { $0.serial == entry.serial ? $0 : nil }
            if let connection {
                let isOver = crowd.now - entry.since >= patience || crowd.connections.count > waitingLimit
                guard isOver else { return }
                if connection.since > entry.since {
                    crowd.line.append(
                        WaitingLine.Entry(socket: entry.socket, serial: entry.serial, since: connection.since))
                } else {
                    drop(entry.socket, &crowd)
                }
            }
            crowd.line.removeFirst()
        }
    }

    private func watch(_ file: Int32) {
        var event = epoll_event(events: UInt32(EPOLLIN.rawValue), data: epoll_data(fd: file))
        epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event)
    }

    private func forget(_ file: Int32) { epoll_ctl(epoll, EPOLL_CTL_DEL, file, nil) }
}
