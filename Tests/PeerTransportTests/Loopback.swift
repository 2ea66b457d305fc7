// SPDX-License-Identifier: Apache-2.0

import FleetIdentity
import Metainfo
import NIOCore
import NIOPosix
import PeerTransport
import Swarm
import Synchronization
import TestSupport
import Testing
import TrackerProtocol

/// The event loops and threads that the peers of one test share; ended after the test's body.
struct Loopback {
    let group: MultiThreadedEventLoopGroup
    let threads: NIOThreadPool
    /// Threads for what the tests themselves do with blocking sockets.
    let strangers: NIOThreadPool

    static func run(_ body: (Loopback) async throws -> Void) async throws {
        let loopback = Loopback(
            group: MultiThreadedEventLoopGroup(numberOfThreads: 2), threads: NIOThreadPool(numberOfThreads: 2),
            strangers: NIOThreadPool(numberOfThreads: 8))
        loopback.threads.start()
        loopback.strangers.start()
        do {
            try await body(loopback)
        } catch {
            try await loopback.end()
            throw error
        }
        try await loopback.end()
    }

    /// Runs what blocks where it hinders nobody.
    func stranger<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await strangers.runIfActive(body)
    }

    private func end() async throws {
        try await group.shutdownGracefully()
        try await threads.shutdownGracefully()
        try await strangers.shutdownGracefully()
    }
}

/// One host of a test: its network, one image and a log of what its driver said.
final class TestPeer: Sendable {
    /// What the driver said, sorted by kind.
    struct Log {
        var facts: [Swarm.Fact] = []
        var recorded: [PieceIndex] = []
        var completions = 0
        var failures: [String] = []
        /// The URL and the reason of each.
        var webSeedFailures: [String] = []
        /// Whether everything was recorded when the completion was told.
        var hadRecordedAll = false

        var banned: [PeerAddress] {
            facts.compactMap { if case .peerBanned(let address) = $0 { address } else { nil } }
        }
        var verified: [PieceIndex] {
            facts.compactMap { if case .pieceVerified(let piece) = $0 { piece } else { nil } }
        }
    }

    let network: PeerNetwork
    let driver: SwarmDriver
    let image: MemoryImage
    let resources: TransportResources
    /// Where it listens.
    let address: PeerAddress
    private let notes: Notes

    private final class Notes: Sendable {
        let log = Mutex(Log())
        /// The driver, for a peer that calls it back from its events.
        let driver = Mutex<SwarmDriver?>(nil)
    }

    var log: Log { notes.log.withLock { $0 } }

    /// A peer that listens on loopback and has begun.
    /// - Parameter have: the pieces it starts with; of all-zero pieces it always knows that it has them.
    init(
        _ loopback: Loopback, _ metainfo: Metainfo, have: Bitfield? = nil, image: MemoryImage,
        host: String = "127.0.0.1", limits: SwarmLimits = SwarmLimits(), extentCapacity: Int = 48,
        networks: [NetworkPrefix] = NetworkPrefix.local, callsBack: Bool = false, tls: MutualTLS? = nil
    ) async throws {
        var random = SystemRandomNumberGenerator()
        let resources = TransportResources(
            group: loopback.group, threads: loopback.threads, extentCapacity: extentCapacity, limits: limits)
        self.resources = resources
        self.image = image
        network = PeerNetwork(
            peerID: PeerID.generated(using: &random), resources: resources, networks: networks)
        network.use(tls, admitsPlain: tls == nil)
        address = try await network.listen(
            at: PeerAddress(host: try #require(IPAddress(parsing: host)), port: 0))
        let notes = Notes()
        let pieceCount = metainfo.geometry.pieceCount
        let known = have ?? Self.zeroPieces(metainfo)
        let missing = pieceCount - known.count
        driver = SwarmDriver(metainfo: metainfo, have: known, image: image, network: network, limits: limits) { event in
            notes.log.withLock { log in
                switch event {
                case .fact(let fact): log.facts.append(fact)
                case .recorded(let pieces): log.recorded += pieces
                case .completed:
                    log.completions += 1
                    log.hadRecordedAll = log.recorded.count == missing
                case .webSeedFailed(let url, let reason): log.webSeedFailures.append("\(url): \(reason)")
                case .failed(let reason): log.failures.append(reason)
                }
            }
            if callsBack { notes.driver.withLock { $0 }?.learned([]) }
        }
        if callsBack { notes.driver.withLock { [driver] in $0 = driver } }
        self.notes = notes
        driver.start()
    }

    func stop() async {
        await driver.stop()
        await network.close()
    }

    static func zeroPieces(_ metainfo: Metainfo) -> Bitfield {
        let zeros = ZeroPieces(metainfo.geometry)
        var have = Bitfield(pieceCount: metainfo.geometry.pieceCount)
        for piece in metainfo.geometry.pieces where zeros.contains(piece, hash: metainfo.hash(of: piece)) {
            have.insert(piece)
        }
        return have
    }

    /// Whether every buffer this peer ever made is back in its pool.
    var hasAllBuffers: Bool {
        let (extents, reads) = (resources.extents.counts, resources.reads.counts)
        return extents.idle == extents.made && reads.idle == reads.made && extents.waiting + reads.waiting == 0
    }
}

/// Waits until `condition` holds, looking again every few milliseconds.
/// - Returns: whether it came to hold within `seconds`.
func eventually(within seconds: Int = 60, _ condition: () async -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return await condition()
}
