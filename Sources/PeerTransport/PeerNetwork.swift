// SPDX-License-Identifier: Apache-2.0

package import FleetIdentity
package import FoundationEssentials
import Metainfo
import NIOCore
import NIOPosix
import NIOTLS
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
    /// The longest first message of TLS that is waited for, in bytes.
    private static let longestHello = 17 * 1024
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
        var tls: MutualTLS?
        var admitsPlain = true
        /// Who is at the other end of the protected connections, once that is proven.
        var members: [Swarm.ConnectionID: (certificate: FleetCertificate, channel: any Channel)] = [:]
    }

    /// This peer's id, chosen once per process.
    package let peerID: PeerID
    package let resources: TransportResources
    /// Where connections may come from and go to.
    private let networks: [NetworkPrefix]
    /// The rack in which this host stands, which other peers of Drover's are told.
    package let rack: RackName?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - networks: where connections may come from and go to.
    ///   - rack: in which rack this host stands; `nil` when nobody said.
    package init(
        peerID: PeerID, resources: TransportResources, networks: [NetworkPrefix] = NetworkPrefix.local,
        rack: RackName? = nil
    ) {
        self.peerID = peerID
        self.resources = resources
        self.networks = networks
        self.rack = rack
    }

    /// The port at which this peer accepts connections, once it listens.
    package var listenPort: UInt16? { state.withLock { $0.listenPort } }

    /// The connections there are, those being made among them.
    package var connectionCount: Int { state.withLock { $0.open.count } }

    /// Why connections were not made or were ended so far.
    package var counts: ConnectionCounts { state.withLock { $0.counts } }

    /// Whether this peer has to do with this host at all.
    package func allows(_ host: IPAddress) -> Bool { networks.contains { $0.contains(host) } }

    // MARK: The fleet

    /// How this peer shows that it is of a fleet, and checks others; from here on new connections use it. Connections with
    /// hosts whose certificates are revoked by it end.
    /// - Parameters:
    ///   - tls: `nil` when the host is enrolled nowhere.
    ///   - admitsPlain: whether listeners elsewhere than on loopback accept connections without TLS, which reach open images
    ///     only.
    package func use(_ tls: MutualTLS?, admitsPlain: Bool) {
        let revoked = state.withLock { state in
            state.tls = tls
            state.admitsPlain = admitsPlain
            return state.members.values.filter { tls?.revokes($0.certificate) ?? true }.map(\.channel)
        }
        for channel in revoked { channel.close(promise: nil) }
    }

    /// Ends connections with hosts whose certificates have ended since they were shown.
    package func endExpired(at now: Date) {
        let last = now.addingTimeInterval(-CertificateCheck.clockSkew)
        let ended = state.withLock { state in
            state.members.values.filter { $0.certificate.validUntil < last }.map(\.channel)
        }
        for channel in ended { channel.close(promise: nil) }
    }

    /// Whether a listener takes connections without TLS.
    package func admitsPlain(at address: PeerAddress) -> Bool {
        address.host.isLoopback || state.withLock { $0.admitsPlain }
    }

    /// TLS for a swarm that only hosts of a fleet may take part in.
    /// - Returns: `nil` when this host is not one of them.
    func tls(for access: SwarmAccess) -> MutualTLS? {
        guard case .fleet(let anchor) = access, let tls = state.withLock({ $0.tls }), tls.anchor == anchor else {
            return nil
        }
        return tls
    }

    /// What the handshake proved about the other end of a connection, or why it ended there.
    func identified(
        _ id: Swarm.ConnectionID, _ channel: any Channel, _ outcome: Result<FleetCertificate, IdentityRefusal>
    ) {
        let mayStay = state.withLock { state in
            switch outcome {
            case .failure(let refusal):
                state.counts.certificates[refusal, default: 0] += 1
                return true
            case .success(let certificate):
                if state.open[id] != nil { state.members[id] = (certificate, channel) }
                // The list may have grown while the handshake was under way.
                return state.tls?.revokes(certificate) == false
            }
        }
        if !mayStay { channel.close(promise: nil) }
    }

    /// Whether the handshake of a connection proved who is at its other end. One that goes on from an earlier one with a
    /// ticket proves nothing that could be checked anew, and so does not count.
    func isIdentified(_ id: Swarm.ConnectionID) -> Bool {
        state.withLock { state in
            if state.members[id] != nil { return true }
            state.counts.certificates[.missing, default: 0] += 1
            return false
        }
    }

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
            .childChannelInitializer { channel in self.accept(channel, onLoopback: address.host.isLoopback) }
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
        let tls = tls(for: driver.access)
        guard tls != nil || driver.access == .everyone,
            let socket = try? SocketAddress(ipAddress: "\(address.host)", port: Int(address.port)),
            let id = newConnection(with: address.host)
        else { return driver.dialFailed(address) }
        let infoHash = driver.infoHash(byV2: byV2)
        ClientBootstrap(group: resources.group)
            .connectTimeout(Self.handshakeTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.unsentLimit)
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.firstReadLength)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(
                            tls.dialling("\(infoHash)") { self.identified(id, channel, $0) })
                    }
                    try pipeline.addHandler(
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
            state.members[id] = nil
            guard let host = state.open.removeValue(forKey: id), let count = state.perHost[host] else { return }
            state.perHost[host] = count > 1 ? count - 1 : nil
        }
    }

    /// The handshake of a connection is complete.
    func shookHands(_ id: Swarm.ConnectionID) { state.withLock { $0.halfOpen.removeAll { $0.id == id } } }

    func count(_ violation: ProtocolViolation) {
        state.withLock { $0.counts.violations[violation.kind, default: 0] += 1 }
    }

    private func accept(_ channel: any Channel, onLoopback: Bool) -> EventLoopFuture<Void> {
        guard let remote = channel.remoteAddress.flatMap({ PeerAddress($0) }),
            let id = newConnection(with: remote.host)
        else { return channel.close() }
        admit(id, channel)
        // One that ends before it was ever active ends without its handler's knowledge.
        channel.closeFuture.whenComplete { _ in self.closed(id) }
        let (tls, admitsPlain) = state.withLock { ($0.tls, $0.admitsPlain || onLoopback) }
        guard let tls else { return talk(channel, remote, id, .plain) }
        return channel.eventLoop.makeCompletedFuture {
            let timer = channel.eventLoop.scheduleTask(in: Self.handshakeTimeout) { channel.close(promise: nil) }
            channel.closeFuture.whenComplete { _ in timer.cancel() }
            // The first bytes tell TLS from BitTorrent, and TLS which image it is about.
            let door = SNIHandler { result in
                timer.cancel()
                if case .hostname(let name) = result { return self.protect(channel, remote, id, name, tls) }
                guard admitsPlain else {
                    self.state.withLock { $0.counts.withoutTLS += 1 }
                    return channel.close()
                }
                return self.talk(channel, remote, id, .plain)
            }
            try channel.pipeline.syncOperations.addHandler(
                ByteToMessageHandler(door, maximumBufferSize: Self.longestHello))
        }
    }

    /// Goes on in TLS about the image that the other side named, and in TLS it must name it again.
    private func protect(
        _ channel: any Channel, _ remote: PeerAddress, _ id: Swarm.ConnectionID, _ name: String, _ tls: MutualTLS
    ) -> EventLoopFuture<Void> {
        // What follows the hash is passed over, as libtorrent does.
        guard let hash = InfoHash(hexadecimal: name.prefix(2 * InfoHash.byteCount)), let driver = driver(for: hash),
            driver.access == .fleet(tls.anchor)
        else {
            state.withLock { $0.counts.unknownInTLS += 1 }
            return channel.close()
        }
        do {
            try channel.pipeline.syncOperations.addHandler(tls.accepting { self.identified(id, channel, $0) })
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        return talk(channel, remote, id, .protected(driver))
    }

    private func talk(
        _ channel: any Channel, _ remote: PeerAddress, _ id: Swarm.ConnectionID, _ way: PeerChannelHandler.Way
    ) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                PeerChannelHandler(network: self, remote: remote, accepted: way, id: id))
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
