// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import PeerProtocol
import Swarm
import TrackerProtocol

/// One connection on its event loop: bytes in, ``PeerSession`` asked, effects carried out.
///
/// It passes from the handshake over joining (the image's driver is told and answers with what may be served) to the
/// session. It owns the room of the extents this connection is fetching and gives all of it back when it closes.
final class PeerChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Waiting for the other side's handshake; exits to joining or closed.
        case handshaking
        /// Waiting for the driver's answer; exits to talking or closed.
        case joining
        case talking
        case closed
    }

    /// How a connection came that was accepted.
    enum Way {
        /// As bytes that anybody may send.
        case plain
        /// In TLS that named this image.
        case protected(SwarmDriver)
    }

    /// Who this side is and which images it has.
    private let network: PeerNetwork
    private let remote: PeerAddress
    /// The image this side wants, when it initiated the connection.
    private let dialled: SwarmDriver?
    private let byV2: Bool
    private let way: Way
    let id: Swarm.ConnectionID
    let resources: TransportResources
    var driver: SwarmDriver?
    private(set) var phase = Phase.handshaking
    /// What decides, and what reads, from joining on. Both are changed where they lie: they are too large to be copied with
    /// every block.
    var session: PeerSession?
    var decoder: MessageDecoder?
    private var hasSentHandshake = false
    private var theirs: Handshake?
    /// What arrived and could not be used yet.
    private var early = ByteBuffer()
    var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var ticker: RepeatedTask?
    /// The room of extents being fetched or waiting for the order to be stored.
    var rooms: [Extent: PooledBuffer] = [:]
    /// The extent that waits for room.
    private var awaited: Extent?
    /// The block whose bytes are arriving, and where they go.
    var arriving: (block: BlockRequest, target: PeerSession.OnBlock, received: Int)?
    /// Under a cap on the rate: the moment to read on, and whether reads are short.
    var reading: Scheduled<Void>?
    var readsLittle = false
    /// What lies under this, when that is a socket.
    var socket: PlainSocket?
    private var output = ByteBuffer()
    private var needsFlush = false
    /// The image's file, once bytes were sent straight from it.
    var file: NIOFileHandle?
    /// Reads whose bytes wait for the socket, and when that last got fewer.
    var unsent = (reads: 0, since: Duration.zero)
    private(set) var closeReason: CloseReason?

    /// The end of a connection that this side makes.
    init(network: PeerNetwork, remote: PeerAddress, dialled: SwarmDriver, byV2: Bool, id: Swarm.ConnectionID) {
        self.network = network
        self.remote = remote
        self.dialled = dialled
        self.byV2 = byV2
        way = dialled.access == .everyone ? .plain : .protected(dialled)
        self.id = id
        resources = network.resources
    }

    /// The end of a connection that was accepted.
    init(network: PeerNetwork, remote: PeerAddress, accepted way: Way, id: Swarm.ConnectionID) {
        self.network = network
        self.remote = remote
        dialled = nil
        byV2 = false
        self.way = way
        self.id = id
        resources = network.resources
    }

    // MARK: Life of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        // Behind TLS the handler comes to a channel that is active already.
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard self.context == nil else { return }
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: PeerNetwork.handshakeTimeout) { bound.value.close(.idle) }
        if let dialled {
            driver = dialled
            let infoHash = dialled.infoHash(byV2: byV2)
            sendHandshake(infoHash, offersV2: infoHash != dialled.infoHash)
            flush()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Inside TLS closing takes a moment, in which nothing counts any more.
        guard closeReason == nil else { return }
        var buffer = Self.unwrapInboundIn(data)
        pace(buffer.readableBytes, context)
        switch phase {
        case .handshaking, .joining:
            early.writeBuffer(&buffer)
            if case .handshaking = phase { shakeHands(context) }
        case .talking:
            let isFull = buffer.readableBytes >= receiveLength
            consume(&buffer)
            if isFull { receiveRest(context) }
        case .closed: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // What is sent is bounded unless the peer asks on and on without reading the answers.
        if !context.channel.isWritable { close(.stalled) }
    }

    private func finish() {
        if case .closed = phase { return }
        let wasJoined = if case .handshaking = phase { false } else { true }
        phase = .closed
        session = nil
        decoder = nil
        timer?.cancel()
        ticker?.cancel()
        reading?.cancel()
        socket = nil
        for (_, room) in rooms { resources.extents.giveBack(room) }
        rooms.removeAll()
        // What waits for the socket has failed by now.
        try? file?.close()
        network.closed(id)
        if let driver {
            if wasJoined { driver.disconnected(id, reason: closeReason) } else { driver.dialFailed(remote) }
        }
        context = nil
    }

    func close(_ reason: CloseReason) {
        if closeReason == nil {
            closeReason = reason
            if case .violation(let violation) = reason { network.count(violation) }
        }
        context?.close(promise: nil)
    }

    // MARK: Handshake

    private func sendHandshake(_ infoHash: InfoHash, offersV2: Bool) {
        hasSentHandshake = true
        Handshake(infoHash: infoHash, peerID: network.peerID, offersV2: offersV2).encode(into: &output)
        needsFlush = true
    }

    /// The image that this connection may be about: one that is open to everyone, or the one that TLS was about.
    private func admitted(_ infoHash: InfoHash) -> SwarmDriver? {
        switch way {
        case .protected(let driver): driver
        case .plain: network.driver(for: infoHash).flatMap { $0.access == .everyone ? $0 : nil }
        }
    }

    private func shakeHands(_ context: ChannelHandlerContext) {
        do throws(ProtocolViolation) {
            guard let handshake = try Handshake.decode(from: &early) else { return }
            if case .protected = way, !network.isIdentified(id) { return close(.violation(.notBitTorrent)) }
            guard let driver = self.driver ?? admitted(handshake.infoHash), driver.answers(to: handshake.infoHash)
            else {
                return close(.violation(.notBitTorrent))
            }
            self.driver = driver
            theirs = handshake
            if !hasSentHandshake {
                // A hybrid that was named by its version 1 hash is answered in version 2 where the peer offers it.
                sendHandshake(handshake.offersV2 ? driver.infoHash : handshake.infoHash, offersV2: false)
            }
            phase = .joining
            network.shookHands(id)
            flush()
            context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
            driver.connected(
                id, to: handshake.peerID, at: remote, initiatedHere: dialled != nil,
                connection: PeerConnection(NIOLoopBound(self, eventLoop: context.eventLoop)))
        } catch {
            close(.violation(error))
        }
    }

    /// The driver took the connection in: from here on the session decides.
    func begin(have: Bitfield, limits: SwarmLimits, metainfo: Metainfo) {
        guard case .joining = phase, let context, let theirs else { return }
        timer?.cancel()
        if case .plain = way { socket = PlainSocket(context.channel) }
        read(atMost: receiveLength)
        var session = PeerSession(
            metainfo: metainfo, have: have, isFast: theirs.supportsFast, isExtended: theirs.supportsExtensions,
            speaksV2: theirs.infoHash == metainfo.infoHash || (dialled == nil && theirs.offersV2), limits: limits,
            at: TransportResources.now)
        let effects = session.start(
            listenPort: network.listenPort, client: PeerNetwork.clientName, rack: network.rack)
        self.session = session
        decoder = MessageDecoder(limits: limits.messages(pieceCount: metainfo.geometry.pieceCount))
        phase = .talking
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        ticker = context.eventLoop.scheduleRepeatedTask(initialDelay: .milliseconds(500), delay: .milliseconds(500)) {
            _ in bound.value.tick()
        }
        carryOut(effects)
        if early.readableBytes > 0 {
            var buffer = early
            early = ByteBuffer()
            consume(&buffer)
        }
        flush()
        if reading == nil { context.channel.setOption(.autoRead, value: true).whenFailure { _ in } }
    }

    /// The image's swarm decided something for this connection.
    func perform(_ commands: [SessionCommand]) {
        for command in commands {
            if case .talking = phase {
                act(flushing: false) { $0.perform(command, at: TransportResources.now) }
                continue
            }
            switch command {
            // A refusal may come before the session begins.
            case .close(let reason): close(reason)
            // The swarm waits for the outcome, and the bytes went with the connection.
            case .store(let extent): driver?.lost(extent, by: id)
            default: break
            }
        }
        flush()
    }

    private func tick() {
        let now = TransportResources.now
        act { $0.tick(at: now) }
        // A peer that reads nothing of what it asked for would keep the shared buffers of its reads.
        guard unsent.reads > 0, let limit = session?.limits.stallLimit else { return }
        if now - unsent.since > limit { close(.stalled) }
    }

    // MARK: Effects

    /// Lets the session decide and carries out what it says.
    func act(flushing: Bool = true, _ decide: (inout PeerSession) -> [PeerSession.Effect]) {
        guard case .talking = phase, let effects = session?.decided(by: decide) else { return }
        carryOut(effects)
        if flushing { flush() }
    }

    func carryOut(_ effects: [PeerSession.Effect]) {
        for effect in effects {
            // An effect may have ended the connection, and what it held is given back then.
            guard case .talking = phase else { return }
            switch effect {
            case .send(let message):
                MessageEncoder.encode(message, into: &output)
                needsFlush = true
            case .report(let report): driver?.received(report, from: id)
            case .open(let extent): open(extent)
            case .store(let loan): store(loan)
            case .release(let extent): release(extent)
            case .serve(let run): serve(run)
            case .serveHashes(let request): serveHashes(request)
            case .close(let reason):
                // The last word, such as that nothing is wanted any more, tells the other side why.
                flush()
                close(reason)
            }
        }
    }

    /// Finds room for an extent, now or when another connection gives some back.
    private func open(_ extent: Extent) {
        if let room = resources.extents.take() { return opened(extent, room) }
        guard let loop = context?.eventLoop else { return }
        awaited = extent
        let bound = NIOLoopBound(self, eventLoop: loop)
        let pool = resources.extents
        pool.take { room in
            loop.execute {
                let handler = bound.value
                guard handler.awaited == extent, case .talking = handler.phase else { return pool.giveBack(room) }
                handler.awaited = nil
                handler.opened(extent, room)
                handler.flush()
            }
        }
    }

    private func opened(_ extent: Extent, _ room: PooledBuffer) {
        rooms[extent] = room
        act(flushing: false) { $0.extentOpened(extent, at: TransportResources.now) }
    }

    private func release(_ extent: Extent) {
        if awaited == extent { awaited = nil }
        // A block may be half way. Should the extent be opened again meanwhile, the rest must not pass for all of it.
        if let current = arriving, case .keep(extent, _) = current.target { arriving?.target = .discard }
        if let room = rooms.removeValue(forKey: extent) { resources.extents.giveBack(room) }
    }

    /// Hands a filled extent to a thread that hashes and writes it.
    private func store(_ loan: Loan) {
        guard let driver else { return }
        guard let room = rooms.removeValue(forKey: loan.extent) else { return driver.lost(loan.extent, by: id) }
        driver.store(loan, room: room, by: id)
    }

    /// Sends what was said since the last time as one write.
    func flush(reallyFlushing: Bool = true) {
        guard needsFlush, let context else { return }
        needsFlush = false
        context.write(Self.wrapOutboundOut(output), promise: nil)
        output = ByteBuffer()
        session?.sent(at: TransportResources.now)
        if reallyFlushing { context.flush() }
    }
}
