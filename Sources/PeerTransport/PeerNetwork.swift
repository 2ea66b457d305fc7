// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import NIOPosix
import PeerProtocol
package import Swarm
import Synchronization
package import TrackerProtocol

/// The sockets of one peer: its listeners, the connections it makes, and which image each of them is about.
package final class PeerNetwork: Sendable {
    /// The name this peer gives in the extended handshake.
    package static let clientName = "Drover 0.1"
    /// How long a connection may take until its handshake is complete (and how long dialling may take).
    static let handshakeTimeout = TimeAmount.seconds(10)
    /// The most connections at one time, of all images together.
    private static let maximumConnections = 1024
    /// The most accepted connections at one time whose handshake is not complete; the oldest makes room for a new one, so
    /// that those who only connect keep nobody out.
    private static let maximumHalfOpen = 256
    /// The most connections with one host at one time; loopback, where every peer has the same address, is exempt.
    private static let connectionsPerHost = 8
    /// One read from a socket takes at most this many bytes; before the handshake is complete, far fewer, since a stranger
    /// who says something and falls silent keeps the buffer.
    static let receiveBufferLength = 256 * 1024
    private static let firstReadLength = 1024
    /// A connection on which more bytes than this wait to be sent is closed. Blocks are bounded by the reads in flight,
    /// so that only a peer that asks without reading the answers gets there.
    private static let unsentLimit = ChannelOptions.Types.WriteBufferWaterMark(low: 1 << 20, high: 8 << 20)

    private struct State {
        var drivers: [InfoHash: SwarmDriver] = [:]
        var listeners: [any Channel] = []
        var listenPort: UInt16?
        var nextConnection: UInt64 = 1
        /// The connections there are, and whose they are.
        var open: [Swarm.ConnectionID: IPAddress] = [:]
        var perHost: [IPAddress: Int] = [:]
        /// Accepted connections whose handshake is not complete, oldest first.
        var halfOpen: [(id: Swarm.ConnectionID, channel: any Channel)] = []
        var counts = ConnectionCounts()
    }

    /// This peer's id, chosen once per process.
    package let peerID: PeerID
    package let resources: TransportResources
    /// Where connections may come from and go to.
    private let networks: [NetworkPrefix]
    private let state = Mutex(State())

    /// - Parameter networks: where connections may come from and go to.
    package init(peerID: PeerID, resources: TransportResources, networks: [NetworkPrefix] = NetworkPrefix.local) {
        self.peerID = peerID
        self.resources = resources
        self.networks = networks
    }

    /// The port at which this peer accepts connections, once it listens.
    package var listenPort: UInt16? { state.withLock { $0.listenPort } }

    /// The connections there are, those being made among them.
    package var connectionCount: Int { state.withLock { $0.open.count } }

    /// Why connections were not made or were ended so far.
    package var counts: ConnectionCounts { state.withLock { $0.counts } }

    /// Whether this peer has to do with this host at all.
    package func allows(_ host: IPAddress) -> Bool { networks.contains { $0.contains(host) } }

    // MARK: Images

    func add(_ driver: SwarmDriver) {
        state.withLock { state in
            for hash in driver.metainfo.infoHashes.onTheWire { state.drivers[hash] = driver }
        }
    }

    func remove(_ driver: SwarmDriver) {
        state.withLock { state in
            for hash in driver.metainfo.infoHashes.onTheWire where state.drivers[hash] === driver {
                state.drivers[hash] = nil
            }
        }
    }

    func driver(for infoHash: InfoHash) -> SwarmDriver? { state.withLock { $0.drivers[infoHash] } }

    // MARK: Sockets

    /// Accepts connections at `address`.
    /// - Parameter onlyIPv6: whether an IPv6 socket leaves IPv4 connections to another listener at the same port.
    /// - Returns: the address with the port that was really taken.
    /// - Throws: the operating system's error, such as that the port is in use.
    package func listen(at address: PeerAddress, onlyIPv6: Bool = false) async throws -> PeerAddress {
        var bootstrap = ServerBootstrap(group: resources.group)
            .serverChannelOption(.backlog, value: 512)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Self.unsentLimit)
            .childChannelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.firstReadLength)
            )
            .childChannelInitializer { channel in self.accept(channel) }
        if onlyIPv6 {
            bootstrap = bootstrap.serverChannelOption(
                ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
        }
        let socket = try SocketAddress(ipAddress: "\(address.host)", port: Int(address.port))
        let channel = try await bootstrap.bind(to: socket).get()
        let port = channel.localAddress?.port.flatMap { UInt16(exactly: $0) } ?? address.port
        state.withLock { state in
            state.listeners.append(channel)
            if state.listenPort == nil { state.listenPort = port }
        }
        return PeerAddress(host: address.host, port: port)
    }

    /// Closes the listeners; connections end with their images' drivers.
    package func close() async {
        let listeners = state.withLock { state in
            defer { state.listeners = [] }
            return state.listeners
        }
        for listener in listeners { try? await listener.close() }
    }

    /// Makes a connection for one image; what becomes of it is told to the driver.
    /// - Parameter byV2: whether to name a hybrid by its version 2 hash.
    func dial(_ address: PeerAddress, for driver: SwarmDriver, byV2: Bool) {
        guard let socket = try? SocketAddress(ipAddress: "\(address.host)", port: Int(address.port)),
            let id = newConnection(with: address.host)
        else { return driver.dialFailed(address) }
        ClientBootstrap(group: resources.group)
            .connectTimeout(Self.handshakeTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.unsentLimit)
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.firstReadLength)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        PeerChannelHandler(network: self, remote: address, dialled: driver, byV2: byV2, id: id))
                }
            }
            .connect(to: socket)
            .whenFailure { _ in
                self.closed(id)
                driver.dialFailed(address)
            }
    }

    /// A connection is gone, or came to nothing; its name is free of every count.
    package func closed(_ id: Swarm.ConnectionID) {
        state.withLock { state in
            state.halfOpen.removeAll { $0.id == id }
            guard let host = state.open.removeValue(forKey: id), let count = state.perHost[host] else { return }
            state.perHost[host] = count > 1 ? count - 1 : nil
        }
    }

    /// The handshake of a connection is complete.
    func shookHands(_ id: Swarm.ConnectionID) { state.withLock { $0.halfOpen.removeAll { $0.id == id } } }

    func count(_ violation: ProtocolViolation) {
        state.withLock { $0.counts.violations[violation.kind, default: 0] += 1 }
    }

    private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard let remote = channel.remoteAddress.flatMap({ PeerAddress($0) }),
            let id = newConnection(with: remote.host)
        else { return channel.close() }
        admit(id, channel)
        // One that ends before it was ever active ends without its handler's knowledge.
        channel.closeFuture.whenComplete { _ in self.closed(id) }
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                PeerChannelHandler(network: self, remote: remote, dialled: nil, id: id))
        }
    }

    private func admit(_ id: Swarm.ConnectionID, _ channel: any Channel) {
        let oldest: (any Channel)? = state.withLock { state in
            state.halfOpen.append((id, channel))
            guard state.halfOpen.count > Self.maximumHalfOpen else { return nil }
            state.counts.halfOpen += 1
            return state.halfOpen.removeFirst().channel
        }
        oldest?.close(promise: nil)
    }

    /// A fresh name for a connection; `nil`, and counted, when there may be none with this host.
    package func newConnection(with host: IPAddress) -> Swarm.ConnectionID? {
        let host = host.unmapped
        let isAllowed = allows(host)
        return state.withLock { state in
            guard isAllowed else {
                state.counts.outsideNetworks += 1
                return nil
            }
            guard state.open.count < Self.maximumConnections else {
                state.counts.beyondAll += 1
                return nil
            }
            let count = state.perHost[host, default: 0]
            guard count < Self.connectionsPerHost || host.isLoopback else {
                state.counts.beyondHost += 1
                return nil
            }
            state.perHost[host] = count + 1
            defer { state.nextConnection += 1 }
            let id = Swarm.ConnectionID(state.nextConnection)
            state.open[id] = host
            return id
        }
    }
}

extension PeerAddress {
    /// The address of a TCP socket; an IPv4 address in its IPv6 form becomes plain again.
    init?(_ socket: SocketAddress) {
        guard let text = socket.ipAddress, let port = socket.port.flatMap({ UInt16(exactly: $0) }),
            let host = IPAddress(parsing: text)
        else { return nil }
        self.init(host: host.unmapped, port: port)
    }
}
