// SPDX-License-Identifier: Apache-2.0

import Metainfo
import NIOCore
import NIOPosix
import PeerProtocol
import Swarm
import TrackerProtocol

/// An HTTP server that has the whole image, as one of the image's connections (BEP 19): it is given extents like a peer,
/// and its bytes are hashed and judged like a peer's.
actor WebSeed {
    /// How long a server that failed is left alone: at first, and at most.
    private static let pauses = (first: Duration.seconds(2), longest: Duration.seconds(300))
    /// Extents fetched at one time.
    private static let parallelFetches = 2
    /// Blocks asked of the swarm at one time: two extents.
    private static let hunger = 2 * Extent.maximumBlockCount

    private let address: WebSeedAddress
    private let driver: SwarmDriver
    private let network: PeerNetwork
    /// What the swarm says to the connection there is now.
    private var orders: AsyncStream<[SessionCommand]>.Continuation?
    private var waiting: [Loan] = []
    private var fetches: [Extent: Task<Void, Never>] = [:]
    /// Extents that are here and wait for the order to be stored.
    private var filled: [Extent: (loan: Loan, room: PooledBuffer)] = [:]
    private var isHungry = false
    private var failure: String?

    init(_ address: WebSeedAddress, driver: SwarmDriver, network: PeerNetwork) {
        self.address = address
        self.driver = driver
        self.network = network
    }

    /// Brings what is asked for until the image is complete, the server is banned, or the task is cancelled. A server that
    /// fails is tried again after a pause.
    func run() async {
        var pause = Self.pauses.first
        while !Task.isCancelled {
            let hasBrought = await attend()
            guard let reason = failure else { return }
            driver.webSeedFailed(address.text, reason)
            pause = hasBrought ? Self.pauses.first : min(pause * 2, Self.pauses.longest)
            try? await Task.sleep(for: pause)
        }
    }

    // MARK: One connection

    /// Takes part in the swarm until it or the server ends that.
    /// - Returns: whether anything was brought. ``failure`` says whether it was the server that ended it.
    private func attend() async -> Bool {
        failure = nil
        let remote: PeerAddress
        do {
            remote = try await resolve()
        } catch {
            failure = "its address is not known: \(error)"
            return false
        }
        guard let id = network.newConnection(with: remote.host) else {
            failure = "connections with \(remote.host) are not allowed, or there are too many"
            return false
        }
        let (stream, continuation) = AsyncStream.makeStream(of: [SessionCommand].self)
        orders = continuation
        driver.connected(
            id, to: peerID, at: remote, initiatedHere: true,
            connection: WebSeedConnection(continuation: continuation, seed: self, id: id))
        var hasBrought = false
        for await commands in stream {
            for command in commands { carryOut(command, id) }
            hasBrought = hasBrought || commands.contains { if case .store = $0 { true } else { false } }
        }
        orders = nil
        await letGo()
        network.closed(id)
        driver.disconnected(id, reason: nil)
        return hasBrought
    }

    /// The swarm let the connection in.
    func begin(_ metainfo: Metainfo, _ id: Swarm.ConnectionID) {
        driver.received(.pieces(Bitfield(full: metainfo.geometry)), from: id)
        goOn(id)
    }

    private func carryOut(_ command: SessionCommand, _ id: Swarm.ConnectionID) {
        switch command {
        case .assign(let loans):
            isHungry = false
            waiting += loans
        case .cancel(let extent): forget(extent)
        case .store(let extent):
            guard let (loan, room) = filled.removeValue(forKey: extent) else { return driver.lost(extent, by: id) }
            driver.store(loan, room: room, by: id)
        case .askLeaves(let piece): driver.received(.leavesRefused(piece), from: id)
        case .close(let reason):
            if reason == .tooManyConnections { failure = reason.description }
            orders?.finish()
        case .setInterested, .setChoking, .have, .mention, .claim, .suggest: break
        }
        goOn(id)
    }

    /// Begins what there is room for, and asks for more before it runs out.
    private func goOn(_ id: Swarm.ConnectionID) {
        while fetches.count < Self.parallelFetches, !waiting.isEmpty {
            let loan = waiting.removeFirst()
            fetches[loan.extent] = Task { await self.fetch(loan, id) }
        }
        guard !isHungry, waiting.isEmpty else { return }
        isHungry = true
        driver.received(.hungry(blocks: Self.hunger), from: id)
    }

    private func forget(_ extent: Extent) {
        waiting.removeAll { $0.extent == extent }
        fetches.removeValue(forKey: extent)?.cancel()
        if let (_, room) = filled.removeValue(forKey: extent) { network.resources.extents.giveBack(room) }
    }

    /// Ends everything under way and gives all room back.
    private func letGo() async {
        let ending = Array(fetches.values)
        for extent in Array(fetches.keys) + Array(filled.keys) { forget(extent) }
        for fetch in ending { await fetch.value }
        waiting = []
        isHungry = false
    }

    // MARK: Bytes

    private func fetch(_ loan: Loan, _ id: Swarm.ConnectionID) async {
        let pool = network.resources.extents
        let room = await withCheckedContinuation { continuation in pool.take { continuation.resume(returning: $0) } }
        do {
            let start = loan.extent.offset(in: driver.metainfo.geometry)
            for range in loan.byteRanges {
                try Task.checkCancellation()
                var offset = range.lowerBound
                let bytes = start + Int64(range.lowerBound)..<start + Int64(range.upperBound)
                try await RangeRequest(address: address, range: bytes).run { part in
                    room.bytes.setBuffer(part, at: offset)
                    offset += part.readableBytes
                    let wait = network.resources.waitAfterReceiving(
                        part.readableBytes, inBackground: driver.isInBackground)
                    if let wait, wait > .zero {
                        try await Task.sleep(for: wait)
                    }
                }
            }
            try Task.checkCancellation()
            fetches[loan.extent] = nil
            filled[loan.extent] = (loan, room)
            driver.received(.traffic(received: loan.length, sent: 0), from: id)
            driver.received(.filled(loan.extent), from: id)
            goOn(id)
        } catch {
            pool.giveBack(room)
            guard !Task.isCancelled else { return }
            fetches[loan.extent] = nil
            failure = failure ?? "\(error)"
            orders?.finish()
        }
    }

    // MARK: Names

    /// The server's address, which the swarm knows it by.
    private func resolve() async throws -> PeerAddress {
        let (host, port) = (address.host, address.port)
        let socket = try await network.resources.threads.runIfActive {
            try SocketAddress.makeAddressResolvingHost(host, port: port)
        }
        guard let remote = PeerAddress(socket) else { throw SocketAddressError.unsupported }
        return remote
    }

    /// A peer id made from the URL, so that a server named twice has one connection.
    private var peerID: PeerID {
        let hash = SHA1Digest(hashing: Array(address.text.utf8))
        return PeerID(Array("-DVWS00-".utf8) + hash.bytes.prefix(12)) ?? network.peerID
    }
}

/// A web seed's connection as the driver holds it.
struct WebSeedConnection: SwarmConnection {
    let continuation: AsyncStream<[SessionCommand]>.Continuation
    let seed: WebSeed
    let id: Swarm.ConnectionID

    var isWebSeed: Bool { true }

    func begin(have: Bitfield, limits: SwarmLimits, metainfo: Metainfo) {
        Task { [seed, id] in await seed.begin(metainfo, id) }
    }

    func perform(_ commands: [SessionCommand]) { continuation.yield(commands) }
}
