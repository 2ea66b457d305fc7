// SPDX-License-Identifier: Apache-2.0

package import Metainfo
import NIOCore
import NIOPosix
import PeerProtocol
package import Swarm
import Synchronization
package import TrackerProtocol

/// Runs one image's ``Swarm`` on an event loop: carries events in and effects out, and nothing else.
///
/// The swarm and the list of connections belong to that loop alone; every method may be called from anywhere.
package final class SwarmDriver: Sendable {
    /// What the driver tells its owner.
    package enum Event: Sendable {
        case fact(Swarm.Fact)
        /// These pieces are durable.
        case recorded([PieceIndex])
        /// Every piece is verified and durable.
        case completed
        /// An HTTP server that has the image failed, and is left alone for a while.
        case webSeedFailed(url: String, reason: String)
        /// The image's bytes could not be written or made durable; the fetch does not go on.
        case failed(String)
    }

    private struct Core {
        var swarm: Swarm
        var random = SystemRandomNumberGenerator()
        var connections: [Swarm.ConnectionID: any SwarmConnection] = [:]
        var webSeeds: [Task<Void, Never>] = []
        /// Addresses that did not answer to a hybrid's version 1 hash, and may know the other.
        var dialledByV2: Set<PeerAddress> = []
        /// Verified pieces that are not durable yet.
        var unrecorded: [PieceIndex] = []
        var recordedAt: Duration
        var isRecording = false
        var isStopped = false
        /// Bytes could not be written or made durable, so that nothing written since may be called durable.
        var hasFailed = false
        /// Those who wait until the last connection is closed.
        var departures: [EventLoopPromise<Void>] = []
        var ticker: RepeatedTask?
        /// Bytes of verified or unverified blocks by the address they came from.
        var sources: [PeerAddress: Int64] = [:]
        /// The same by what they are.
        var origins: [WorkMeter.Origin: Int64] = [:]
        /// Bytes of blocks sent, over all connections.
        var sentBytes: Int64 = 0
    }

    /// How much may be verified before it is made durable: this many bytes or this much time.
    private static let recordBytes = 256 << 20
    private static let recordInterval = Duration.seconds(5)
    /// The most addresses whose bytes are counted apart.
    private static let maximumSources = 1024

    package let metainfo: Metainfo
    /// Who may take part.
    package let access: SwarmAccess
    let image: any ImageBytes
    let network: PeerNetwork
    /// Whether nobody waits for the image, so that it takes only a part of the link.
    let isInBackground: Bool
    private let limits: SwarmLimits
    let loop: any EventLoop
    private let core: NIOLoopBoundBox<Core>
    /// The tree above the pieces, for those who ask for its hashes; made when the first one does.
    let pieceLayers = Mutex<MerkleLayers?>(nil)
    /// Reads, writes and recordings on threads.
    let work = PendingWork()
    private let onEvent: @Sendable (Event) -> Void

    /// The name by which this side announces the swarm and dials into it.
    package var infoHash: InfoHash { metainfo.infoHash }

    /// - Parameters:
    ///   - have: the pieces whose bytes are verified and durable.
    ///   - isInBackground: whether it takes no more than ``TransportResources/background`` lets it.
    ///   - onEvent: called on the driver's loop, in order; must not block, but may call the driver.
    package init(
        metainfo: Metainfo, have: Bitfield, image: any ImageBytes, network: PeerNetwork,
        isInBackground: Bool = false, limits: SwarmLimits = SwarmLimits(), onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.metainfo = metainfo
        access = SwarmAccess(authority: metainfo.authority)
        self.image = image
        self.network = network
        self.isInBackground = isInBackground
        self.limits = limits
        self.onEvent = onEvent
        loop = network.resources.group.next()
        let swarm = Swarm(
            metainfo: metainfo, have: have, ownID: network.peerID, rack: network.rack, limits: limits)
        core = NIOLoopBoundBox.makeBoxSendingValue(
            Core(swarm: swarm, recordedAt: TransportResources.now), eventLoop: loop)
    }

    /// The name by which this side dials. Who has a hybrid may know it by its version 1 hash alone; one who can do better
    /// answers so (BEP 52).
    func infoHash(byV2: Bool) -> InfoHash {
        byV2 ? infoHash : metainfo.infoHashes.v1.map { InfoHash($0) } ?? infoHash
    }

    /// Whether a handshake with this hash means this image.
    package func answers(to infoHash: InfoHash) -> Bool { metainfo.infoHashes.onTheWire.contains(infoHash) }

    /// Begins: from here on connections are accepted and made.
    package func start() {
        network.add(self)
        loop.execute {
            let driver = self
            self.core.value.ticker = self.loop.scheduleRepeatedTask(
                initialDelay: .milliseconds(500), delay: .milliseconds(500)
            ) { _ in driver.tick() }
            self.core.value.webSeeds = self.webSeeds()
        }
    }

    /// Begins to fetch from the HTTP servers that the metainfo names, where there is anything to fetch.
    private func webSeeds() -> [Task<Void, Never>] {
        guard !core.value.swarm.isComplete, !core.value.isStopped else { return [] }
        let addresses = metainfo.webSeeds.compactMap { WebSeedAddress($0, name: metainfo.name) }
        return Set(addresses.prefix(limits.webSeeds)).map { address in
            let seed = WebSeed(address, driver: self, network: network)
            return Task { await seed.run() }
        }
    }

    func webSeedFailed(_ url: String, _ reason: String) {
        loop.execute { self.onEvent(.webSeedFailed(url: url, reason: reason)) }
    }

    /// Ends: connections are closed, what is verified is made durable. Afterwards the image's bytes are not touched any
    /// more.
    package func stop() async {
        network.remove(self)
        let webSeeds = try? await loop.submit { self.core.value.webSeeds }.get()
        for seed in webSeeds ?? [] { seed.cancel() }
        let (departed, idle) = (loop.makePromise(of: Void.self), loop.makePromise(of: Void.self))
        loop.execute {
            self.core.value.isStopped = true
            self.core.value.ticker?.cancel()
            for connection in self.core.value.connections.values { connection.perform([.close(.stopping)]) }
            if self.core.value.connections.isEmpty {
                departed.succeed()
            } else {
                self.core.value.departures.append(departed)
            }
            self.work.close(idle)
        }
        try? await departed.futureResult.get()
        try? await idle.futureResult.get()
        // What finished meanwhile reached the loop before this does.
        try? await loop.flatSubmit { self.recordLast() }.get()
    }

    private func recordLast() -> EventLoopFuture<Void> {
        let pieces = core.value.unrecorded
        core.value.unrecorded = []
        guard !pieces.isEmpty, !core.value.hasFailed else { return loop.makeSucceededVoidFuture() }
        return network.resources.threads.runIfActive(eventLoop: loop) { [image] in try image.recordVerified(pieces) }
    }

    /// Peers that may have the image.
    package func learned(_ addresses: [PeerAddress]) {
        let reachable = addresses.filter { network.allows($0.host) }
        hop { $0.swarm.learned(reachable, now: $1) }
    }

    /// A picture of the swarm, and what it carried since the driver began.
    package struct Summary: Sendable {
        package let swarm: SwarmSummary
        /// Bytes by where they came from.
        package let sources: [PeerAddress: Int64]
        package let origins: [WorkMeter.Origin: Int64]
        package let sentBytes: Int64
    }

    /// The swarm as it stands.
    package func summary() async -> Summary {
        let promise = loop.makePromise(of: Summary.self)
        loop.execute {
            let core = self.core.value
            promise.succeed(
                Summary(
                    swarm: core.swarm.summary, sources: core.sources, origins: core.origins, sentBytes: core.sentBytes))
        }
        return await withCheckedContinuation { continuation in
            promise.futureResult.whenSuccess { continuation.resume(returning: $0) }
        }
    }

    // MARK: From connections

    func connected(
        _ id: Swarm.ConnectionID, to peer: PeerID, at address: PeerAddress, initiatedHere: Bool,
        connection: any SwarmConnection
    ) {
        run { core, now in
            guard !core.isStopped else {
                connection.perform([.close(.stopping)])
                return []
            }
            let effects = core.swarm.connected(
                id, to: peer, at: address, initiatedHere: initiatedHere, now: now)
            core.connections[id] = connection
            if core.swarm.address(of: id) != nil {
                connection.begin(have: core.swarm.have, limits: self.limits, metainfo: self.metainfo)
            }
            return effects
        }
    }

    func received(_ report: SessionReport, from id: Swarm.ConnectionID) {
        run { core, now in
            if case .traffic(_, let sent) = report {
                core.sentBytes += Int64(sent)
                self.network.resources.meter.sent(sent)
            }
            return core.swarm.received(report, from: id, now: now, using: &core.random)
        }
    }

    func disconnected(_ id: Swarm.ConnectionID, reason: CloseReason?) {
        run { core, now in
            core.connections[id] = nil
            if core.isStopped, core.connections.isEmpty {
                for departure in core.departures { departure.succeed() }
                core.departures = []
            }
            return core.swarm.disconnected(id, now: now)
        }
    }

    func dialFailed(_ address: PeerAddress) {
        hop { core, now in
            if core.dialledByV2.remove(address) == nil, core.dialledByV2.count < self.limits.knownAddresses {
                core.dialledByV2.insert(address)
            }
            return core.swarm.dialFailed(address, now: now)
        }
    }

    /// A connection was told to store an extent and has lost its bytes.
    func lost(_ extent: Extent, by id: Swarm.ConnectionID) {
        run { $0.swarm.storeFailed(extent, by: id, now: $1) }
    }

    // MARK: On the loop

    /// What was on loan was hashed and written, or could not be.
    func stored(_ loan: Loan, _ result: Result<LoanHashes, any Error>, by id: Swarm.ConnectionID) {
        run { core, now in
            switch result {
            case .success(let hashes):
                let origin = self.origin(of: id, core)
                core.origins[origin, default: 0] += Int64(loan.length)
                self.network.resources.meter.received(loan.length, from: origin)
                if let source = core.swarm.address(of: id),
                    core.sources[source] != nil || core.sources.count < Self.maximumSources
                {
                    core.sources[source, default: 0] += Int64(loan.length)
                }
                return core.swarm.stored(loan.extent, hashes: hashes, by: id, now: now)
            case .failure: return core.swarm.storeFailed(loan.extent, by: id, now: now)
            }
        }
        if case .failure(let error) = result { fail("\(error)") }
    }

    private func origin(of id: Swarm.ConnectionID, _ core: Core) -> WorkMeter.Origin {
        if core.connections[id]?.isWebSeed ?? false { return .webSeed }
        return network.rack.map { core.swarm.rack(of: id) == $0 } ?? false ? .rack : .peer
    }

    private func tick() {
        run { core, now in
            let effects = core.swarm.tick(now: now)
            if now - core.recordedAt > Self.recordInterval { self.record(&core, now) }
            return effects
        }
    }

    /// Like ``run(_:)``, but never at once: for calls that may come from within the driver's own effects, whose order
    /// they must not disturb.
    private func hop(_ decide: @escaping @Sendable (inout Core, Duration) -> [Swarm.Effect]) {
        loop.execute { self.run(decide) }
    }

    /// Lets the swarm decide and carries out what it says, on the driver's loop. Commands to one connection travel
    /// together, so that a wake-up of its loop serves all of them.
    private func run(_ decide: @escaping @Sendable (inout Core, Duration) -> [Swarm.Effect]) {
        guard loop.inEventLoop else { return loop.execute { self.run(decide) } }
        let now = TransportResources.now
        let effects = decide(&core.value, now)
        var commands: [Swarm.ConnectionID: [SessionCommand]] = [:]
        var order: [Swarm.ConnectionID] = []
        for effect in effects {
            switch effect {
            case .command(let id, let command):
                if commands[id] == nil { order.append(id) }
                commands[id, default: []].append(command)
            case .dial(let address):
                let byV2 = core.value.dialledByV2.contains(address)
                if !core.value.isStopped { network.dial(address, for: self, byV2: byV2) }
            case .fact(let fact): happened(fact, now)
            }
        }
        for id in order {
            guard let list = commands[id] else { continue }
            core.value.connections[id]?.perform(list)
        }
    }

    private func happened(_ fact: Swarm.Fact, _ now: Duration) {
        onEvent(.fact(fact))
        network.resources.meter.count(fact)
        switch fact {
        case .pieceVerified(let piece):
            core.value.unrecorded.append(piece)
            let bytes = core.value.unrecorded.count * metainfo.geometry.pieceLength
            if bytes >= Self.recordBytes { record(&core.value, now) }
        case .completed: record(&core.value, now)
        case .pieceMismatched, .peerBanned: break
        }
    }

    /// Makes what was verified durable, on a thread; one such job at a time.
    private func record(_ core: inout Core, _ now: Duration) {
        guard !core.isRecording, !core.isStopped, !core.unrecorded.isEmpty, work.begin() else { return }
        core.isRecording = true
        core.recordedAt = now
        let pieces = core.unrecorded
        core.unrecorded = []
        network.resources.threads.submit { [image, loop, work, meter = network.resources.meter] _ in
            let result = Result { try meter.time(.syncing) { try image.recordVerified(pieces) } }
            loop.execute { self.recorded(pieces, result) }
            work.end()
        }
    }

    private func recorded(_ pieces: [PieceIndex], _ result: Result<Void, any Error>) {
        core.value.isRecording = false
        switch result {
        case .success:
            onEvent(.recorded(pieces))
            guard core.value.swarm.isComplete, !core.value.isStopped else { return }
            if core.value.unrecorded.isEmpty {
                onEvent(.completed)
            } else {
                record(&core.value, TransportResources.now)
            }
        case .failure(let error): fail("\(error)")
        }
    }

    /// Not to be called while ``core`` is being changed: the owner hears of it at once and may call back.
    private func fail(_ reason: String) {
        core.value.hasFailed = true
        guard !core.value.isStopped else { return }
        core.value.isStopped = true
        core.value.ticker?.cancel()
        for connection in core.value.connections.values { connection.perform([.close(.stopping)]) }
        onEvent(.failed(reason))
    }
}
