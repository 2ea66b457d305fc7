// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import ImageStore
import Logging
import Metainfo
import PeerTransport
import Swarm
import TrackerProtocol

/// One image of this host in its swarm: being fetched until it is complete, served from then on, and in between turned
/// into a registered master and the clones that were asked for.
actor ImageSwarm {
    /// Where the image is in its life here.
    private enum Phase {
        /// Fetching; exits to completing, or to failed.
        case fetching(PartialImage)
        /// Every piece is verified; the master is being registered and cloned. Exits to seeding, or to failed.
        case completing(PartialImage)
        /// The registered master is served.
        case seeding
        /// Nothing goes on until somebody asks again.
        case failed(String)
    }

    nonisolated let name: MasterName
    nonisolated let metainfo: Metainfo
    let host: Host
    let network: PeerNetwork
    private let rack: RackName?
    private let log: Logger
    private var phase: Phase { didSet { if isSettled { release() } } }
    /// Those who wait for the fetch to be over.
    private var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    private var lastWaiter = 0
    private var isStopped = false
    private(set) var driver: SwarmDriver?
    private var announcers: [Announcer] = []
    private var tasks: [Task<Void, Never>] = []
    /// Who is announced to: one tracker of each of these.
    private var trackers: [AnnounceTiers]
    private let startedAt = ContinuousClock.now
    private(set) var fetchSeconds: Double?
    private(set) var cloneMilliseconds: [Double]?
    private var cloneFailure: String?

    /// An image to fetch.
    init(
        fetching partial: PartialImage, trackers: [AnnounceTiers], host: Host, network: PeerNetwork, rack: RackName?,
        log: Logger
    ) {
        name = partial.name
        metainfo = partial.metainfo
        phase = .fetching(partial)
        self.trackers = trackers
        self.host = host
        self.network = network
        self.rack = rack
        self.log = log
    }

    /// A registered master to serve.
    init(
        seeding name: MasterName, _ metainfo: Metainfo, trackers: [AnnounceTiers], host: Host, network: PeerNetwork,
        rack: RackName?, log: Logger
    ) {
        self.name = name
        self.metainfo = metainfo
        phase = .seeding
        self.trackers = trackers
        self.host = host
        self.network = network
        self.rack = rack
        self.log = log
    }

    /// Whether the image is complete, registered, and its clones are made.
    var isDone: Bool { if case .seeding = phase { true } else { false } }

    // MARK: Life

    /// Joins the swarm.
    /// - Throws: `StoreError` when the master cannot be opened.
    func start() throws {
        let image: any ImageBytes
        let have: Bitfield
        var isInBackground = false
        switch phase {
        case .fetching(let partial):
            isInBackground = partial.request.stageRatePercent != nil
            image = isInBackground ? BackgroundBytes(image: partial) : partial
            have = partial.verified
        case .seeding:
            image = MasterBytes(file: try host.store.openMaster(name))
            have = Bitfield(full: metainfo.geometry)
        case .completing, .failed: return
        }
        let (events, continuation) = AsyncStream.makeStream(of: SwarmDriver.Event.self)
        let driver = SwarmDriver(
            metainfo: metainfo, have: have, image: image, network: network, isInBackground: isInBackground
        ) { event in
            // Pieces are many, and nobody here does anything about one.
            if case .fact(.pieceVerified) = event { return }
            continuation.yield(event)
        }
        self.driver = driver
        tasks.append(
            Task { [weak self] in
                for await event in events { await self?.handle(event) }
            })
        driver.start()
        for tracker in trackers { announce(to: tracker) }
        // Nothing will be received that could announce the end.
        if case .fetching(let partial) = phase, partial.isComplete { continuation.yield(.completed) }
    }

    /// Leaves the swarm: connections end, what is verified is on disk, trackers are told.
    func stop() async {
        isStopped = true
        release()
        for task in tasks { task.cancel() }
        await withTaskGroup(of: Void.self) { group in
            for announcer in announcers { group.addTask { await announcer.stop() } }
        }
        await driver?.stop()
        tasks = []
    }

    /// Adds trackers that were named later.
    func add(trackers more: [TrackerURL]) {
        for tracker in more where !trackers.contains(where: { $0.order.contains(tracker) }) {
            trackers.append(AnnounceTiers(tracker))
            announce(to: AnnounceTiers(tracker))
        }
    }

    private func announce(to tiers: AnnounceTiers) {
        guard let driver, let port = network.listenPort else { return }
        for hash in metainfo.infoHashes.onTheWire {
            let announcer = Announcer(
                tiers: tiers, client: { [host] in host.trackerClient() }, infoHash: hash, peerID: network.peerID,
                port: port, rack: rack,
                totals: { [weak self] in await self?.totals() ?? Announcer.Totals(uploaded: 0, downloaded: 0, left: 0)
                },
                found: { driver.learned($0) })
            announcers.append(announcer)
            tasks.append(Task { await announcer.run() })
        }
    }

    private func totals() async -> Announcer.Totals {
        guard let summary = await driver?.summary() else {
            return Announcer.Totals(uploaded: 0, downloaded: 0, left: metainfo.geometry.size)
        }
        let verified = bytes(pieces: summary.swarm.verifiedPieces)
        return Announcer.Totals(
            uploaded: summary.sentBytes, downloaded: summary.sources.values.reduce(0, +),
            left: metainfo.geometry.size - verified)
    }

    // MARK: Waiting

    private var isSettled: Bool {
        switch phase {
        case .fetching, .completing: isStopped
        case .seeding, .failed: true
        }
    }

    /// Returns when the fetch is over, and after `limit` at the latest.
    func settle(within limit: Duration) async {
        guard !isSettled else { return }
        lastWaiter += 1
        let number = lastWaiter
        let timer = Task { [weak self] in
            try? await Task.sleep(for: limit)
            await self?.release(number)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled { return continuation.resume() }
                waiters[number] = continuation
            }
        } onCancel: {
            Task { await self.release(number) }
        }
        timer.cancel()
    }

    private func release(_ number: Int) { waiters.removeValue(forKey: number)?.resume() }

    private func release() {
        for waiter in waiters.values { waiter.resume() }
        waiters = [:]
    }

    // MARK: Events

    private func handle(_ event: SwarmDriver.Event) async {
        switch event {
        case .fact(.peerBanned(let address)):
            log.warning("a peer sent wrong data and is banned", metadata: ["peer": "\(address)", "master": "\(name)"])
        case .fact(.pieceMismatched(let piece)):
            log.warning("a piece did not match its hash", metadata: ["piece": "\(piece)", "master": "\(name)"])
        case .webSeedFailed(let url, let reason):
            log.warning("a web seed failed", metadata: ["url": "\(url)", "reason": "\(reason)", "master": "\(name)"])
        case .fact, .recorded: break
        case .completed: await complete()
        case .failed(let reason): await fail(reason)
        }
    }

    private func complete() async {
        guard case .fetching(let partial) = phase else { return }
        phase = .completing(partial)
        fetchSeconds = startedAt.duration(to: .now).milliseconds / 1000
        do {
            let isInBackground = partial.request.stageRatePercent != nil
            let master = try await host.blocking { [host] in
                if isInBackground { return try BackgroundBytes.yielding { try host.store.register(partial) } }
                return try host.store.register(partial)
            }
            log.info("registered", metadata: ["master": "\(name)", "bytes": "\(master.size)"])
            await makeClones(partial.request)
            phase = .seeding
            for announcer in announcers { announcer.completed() }
        } catch {
            await fail("it could not be registered: \(HostFailure(error).message)")
        }
    }

    /// Makes the clones that were asked for, the moment the master is there. A name that was taken meanwhile does not
    /// undo the master; it is reported.
    private func makeClones(_ request: FetchRequest) async {
        guard let wish = request.clones else { return }
        do {
            let created = try await host.blocking { [host, name] in
                let created = try host.makeClones(wish.base, count: wish.count, of: name, backend: wish.backend)
                try host.store.finishRequest(of: name)
                return created
            }
            let each = created.milliseconds / Double(max(1, created.clones.count))
            cloneMilliseconds = created.clones.map { _ in each }
            log.info("cloned", metadata: ["master": "\(name)", "clones": "\(created.clones.count)"])
        } catch {
            cloneFailure = HostFailure(error).message
            try? await host.blocking { [host, name] in try host.store.finishRequest(of: name) }
            log.error(
                "the clones could not be made", metadata: ["master": "\(name)", "reason": "\(cloneFailure ?? "")"])
        }
    }

    private func fail(_ reason: String) async {
        phase = .failed(reason)
        log.error("the fetch stopped", metadata: ["master": "\(name)", "reason": "\(reason)"])
        for task in tasks.dropFirst() { task.cancel() }
        await driver?.stop()
    }

    // MARK: Reports

    /// Why the fetch stopped, or why its clones could not be made.
    var failure: String? { if case .failed(let reason) = phase { reason } else { cloneFailure } }
    /// Whether the fetch stopped for good.
    var hasFailed: Bool { if case .failed = phase { true } else { false } }

    /// `fetching`, `verifying`, `registered` or `failed`.
    var state: String {
        switch phase {
        case .fetching: "fetching"
        case .completing: "verifying"
        case .seeding: "registered"
        case .failed: "failed"
        }
    }

    var isFetching: Bool { if case .fetching = phase { true } else { false } }
    /// Whether nobody waits for the image, so that it takes only a part of the link.
    var isInBackground: Bool {
        if case .fetching(let partial) = phase { partial.request.stageRatePercent != nil } else { false }
    }

    /// The image's trackers and how the last announces to them went.
    func trackerStates() -> [StatusReport.Tracker] {
        announcers.flatMap(\.trackers).map { StatusReport.Tracker(url: $0.url.announce, state: $0.words) }
    }

    /// Bytes in that many verified pieces. Only a complete image has its last, shorter piece for certain, so that the
    /// figure is exact at the end and never above the size before.
    func bytes(pieces: Int) -> Int64 {
        let geometry = metainfo.geometry
        return pieces == geometry.pieceCount
            ? geometry.size : min(geometry.size, Int64(pieces) * Int64(geometry.pieceLength))
    }
}
