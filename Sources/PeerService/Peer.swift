// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import Glibc
import ImageStore
package import Logging
import Metainfo
package import NIOCore
import NIOPosix
import PeerTransport
import Swarm
package import TrackerProtocol

/// A running peer: the host's store, a place in the swarm of every image in it, and the requests that come through the
/// control socket.
package actor Peer: HostService {
    /// The longest that one request waits for a fetch, in milliseconds.
    private static let longestWait = 60_000

    package nonisolated let host: Host
    let configuration: PeerConfiguration
    let network: PeerNetwork
    let log: Logger
    private(set) var swarms: [MasterName: ImageSwarm] = [:]
    private var listening: [PeerAddress] = []
    /// Why fetches that an earlier run began do not go on.
    private(set) var stuck: [MasterName: String] = [:]
    private var limits = RateLimits()
    /// What is said of clones at the moment, and who looks after them.
    var warnings: [String] = []
    private var watch: Task<Void, Never>?
    private var finishing: Task<Void, Never>?
    var following: (follower: OrderFollower, task: Task<Void, Never>)?
    /// The last change of that.
    var followingChange: Task<Void, Never>?
    private var trustWatches: [Task<Void, Never>] = []
    private(set) var isStopping = false
    /// What the threads had been busy with when the tracker was told of it last.
    var lastLoad: (at: ContinuousClock.Instant, reading: WorkMeter.Reading)?
    var adopted = AdoptedWatch()
    var adoptedTask: Task<Void, Never>?

    /// A peer on an opened store; ``start()`` puts it on the network.
    package init(host: Host, configuration: PeerConfiguration, group: any EventLoopGroup, log: Logger) {
        self.host = host
        self.configuration = configuration
        self.log = log
        var random = SystemRandomNumberGenerator()
        network = PeerNetwork(
            peerID: PeerID.generated(using: &random),
            resources: TransportResources(
                group: group, threads: host.threads, extentCapacity: configuration.extentMemory),
            networks: configuration.networks, rack: configuration.rack)
    }

    // MARK: Life

    /// Listens, serves every registered master, and goes on with every fetch that was under way.
    /// - Returns: the addresses listened at.
    /// - Throws: ``HostFailure``, such as for a port in use.
    @discardableResult
    package func start() async throws(HostFailure) -> [PeerAddress] {
        do {
            apply(try await host.blocking { [host] in try host.rateLimits() })
        } catch {
            throw HostFailure(error)
        }
        useIdentity()
        try await listen()
        await reportRecovery()
        let masters = await masters()
        for master in masters where master.state == .registered { await seed(master.name) }
        watchAdopted(masters)
        for partial in host.store.partials() {
            do {
                try host.checkResumable(partial)
                let image = try await host.blocking { [host] in try host.store.resume(partial.name) }
                try await join(
                    ImageSwarm(
                        fetching: image, trackers: trackers(of: image.metainfo, partial.request.trackers), host: host,
                        network: network, rack: configuration.rack, log: log))
            } catch {
                let reason = HostFailure(error).message
                stuck[partial.name] = reason
                log.error("a fetch cannot go on", metadata: ["master": "\(partial.name)", "reason": "\(reason)"])
            }
        }
        finishing = Task { await finishClones() }
        watch = Task { await watchClones() }
        trustWatches = configuration.trackers.map { watchTrust(at: $0) } + [watchFleet()]
        await followOrders()
        return listening
    }

    /// Leaves every swarm and closes the listeners.
    package func stop() async {
        isStopping = true
        await followOrders()
        finishing?.cancel()
        watch?.cancel()
        for watch in trustWatches { watch.cancel() }
        adoptedTask?.cancel()
        await network.close()
        await withTaskGroup(of: Void.self) { group in
            for swarm in swarms.values { group.addTask { await swarm.stop() } }
        }
        swarms = [:]
    }

    private func apply(_ limits: RateLimits) {
        self.limits = limits
        network.resources.up.bytesPerSecond = limits.up.map { Double($0) / 8 }
        network.resources.down.bytesPerSecond = limits.down.map { Double($0) / 8 }
        paceStaging()
    }

    /// What is fetched for a tracker's orders takes the part of the link that these leave to it, where it is known how much
    /// that is.
    func paceStaging() {
        let percents = host.store.partials().compactMap(\.request.stageRatePercent)
        let link = LinkRate.bytesPerSecond(cap: limits.down)
        network.resources.background.bytesPerSecond = percents.max().flatMap { percent in
            link.map { max(Self.leastStaging, $0 * Double(percent) / 100) }
        }
    }

    /// Bytes a second with which staging goes on however little of the link is left to it.
    private static let leastStaging = Double(RateText.least) / 8

    /// Says what opening the store and its clones found and could not put right.
    private func reportRecovery() async {
        for note in host.store.notes { log.warning("the store was not in order", metadata: ["finding": "\(note)"]) }
        let clones = try? await host.blocking { [host] in host.clones.recover() }
        for problem in clones?.problems ?? [] {
            log.warning("a clone was not in order", metadata: ["finding": "\(problem)"])
        }
    }

    private func listen() async throws(HostFailure) {
        let port = configuration.port
        let everywhere = [PeerAddress(parsing: "[::]:\(port)"), PeerAddress(parsing: "0.0.0.0:\(port)")]
        // One IPv6 socket takes both families; a host without IPv6 falls back to IPv4.
        let choices =
            configuration.listen.isEmpty ? [everywhere.compactMap { $0 }] : configuration.listen.map { [$0] }
        for alternatives in choices {
            var reason: (any Error)?
            for address in alternatives {
                do {
                    let sharesPort = configuration.listen.contains { !$0.isIPv6 && $0.port == address.port }
                    listening.append(
                        try await network.listen(at: address, onlyIPv6: address.isIPv6 && sharesPort))
                    reason = nil
                    break
                } catch {
                    reason = error
                }
            }
            if let reason, let address = alternatives.last {
                await network.close()
                throw HostFailure(.failed, Self.sentence(reason, address))
            }
        }
    }

    private static func sentence(_ error: any Error, _ address: PeerAddress) -> String {
        guard let system = error as? IOError else { return "cannot listen at \(address): \(error)" }
        return switch system.errnoCode {
        case EADDRINUSE:
            "port \(address.port) is in use; stop what uses it or choose another with --listen ADDR:PORT"
        case EADDRNOTAVAIL: "this host has no address \(address.host); choose one of its own with --listen"
        case EACCES: "no permission to listen at \(address); choose a port above 1023 with --listen"
        default: "cannot listen at \(address): \(error)"
        }
    }

    // MARK: Requests

    package func perform(
        _ request: HostRequest, progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws(HostFailure) -> HostReply {
        switch request {
        case .fetch(let order): return try await fetch(order, progress)
        case .status: return .status(await status())
        case .awaitMaster(let reference, let milliseconds):
            let limit = Duration.milliseconds(min(max(0, milliseconds), Self.longestWait))
            if let name = reference.exact { await swarms[name]?.settle(within: limit) }
            return .status(await status())
        case .why(let reference): return .why(try await why(reference))
        case .listSwarms: return .swarms(await swarmsReport())
        case .examine:
            do { return .examined(try await host.examine(trackers: configuration.trackers)) } catch {
                throw HostFailure(error)
            }
        case .createMaster:
            let reply = try await host.perform(request, progress: progress)
            if case .master(let report) = reply, let name = MasterName(name: report.name, version: report.version) {
                await seed(name)
            }
            return reply
        case .verifyMaster: return try await verify(request, progress)
        case .removeMaster(let reference, let force):
            return try await remove(reference, force: force, request, progress)
        case .pruneMasters: return try await prune(request, progress)
        case .refreshTrust(let trackers):
            let reply = try await host.perform(
                .refreshTrust(trackers: trackers + configuration.trackers.map(\.base)), progress: progress)
            await leaveRevoked()
            return reply
        case .enrol, .leaveFleet:
            // Also a request that fails late may have changed who this host is.
            let outcome: Result<HostReply, HostFailure>
            do { outcome = .success(try await host.perform(request, progress: progress)) } catch {
                outcome = .failure(error)
            }
            useIdentity()
            await followOrders()
            return try outcome.get()
        case .showOrders: return .orders(try await ordersReport())
        case .trustEpoch(let epoch): return .orders(try await trustEpoch(epoch))
        case .activate, .rollBack:
            let reply = try await host.perform(request, progress: progress)
            // The tracker is told.
            Task { [following] in await following?.follower.look() }
            return reply
        case .limit:
            let reply = try await host.perform(request, progress: progress)
            if case .limits(let limits) = reply { apply(limits) }
            return reply
        default: return try await host.perform(request, progress: progress)
        }
    }

    private func verify(
        _ request: HostRequest, _ progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws(HostFailure) -> HostReply {
        let reply = try await host.perform(request, progress: progress)
        guard case .verified(let report) = reply, let name = MasterName(report.master) else { return reply }
        if report.isGood {
            await seed(name)
        } else {
            // What failed its verification is not served from this moment on.
            await swarms.removeValue(forKey: name)?.stop()
        }
        return reply
    }

    private func remove(
        _ reference: MasterReference, force: Bool, _ request: HostRequest,
        _ progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws(HostFailure) -> HostReply {
        // A fetch under way is given up; a master is removed first and leaves its swarm after that.
        if let name = reference.exact, host.store.partials().contains(where: { $0.name == name }) {
            await swarms.removeValue(forKey: name)?.stop()
            do {
                try await host.blocking { [host] in try host.store.abandon(name) }
            } catch {
                throw HostFailure(error)
            }
            return .done
        }
        let name: MasterName
        do {
            name = try await host.blocking { [host] in try host.find(reference).name }
        } catch {
            throw HostFailure(error)
        }
        let reply = try await host.perform(
            .removeMaster(MasterReference(name), force: force), progress: progress)
        await swarms.removeValue(forKey: name)?.stop()
        return reply
    }

    /// Everything the host holds and does.
    package func status() async -> StatusReport {
        var entries: [StatusReport.Entry] = []
        var trackers: [StatusReport.Tracker] = []
        for (_, swarm) in swarms {
            entries.append(await swarm.entry())
            for tracker in await swarm.trackerStates() where !trackers.contains(where: { $0.url == tracker.url }) {
                trackers.append(tracker)
            }
        }
        for master in await masters() where swarms[master.name] == nil {
            entries.append(StatusReport.Entry(master, clones: host.clones.clones(of: master.name)))
        }
        for partial in host.store.partials() where swarms[partial.name] == nil {
            var entry = StatusReport.Entry(partial)
            entry.state = "failed"
            entry.failure = stuck[partial.name] ?? "it does not go on; begin the fetch again"
            entries.append(entry)
        }
        let clones = host.clones.list()
        return StatusReport(
            store: host.store.layout.root, isRunning: true, listen: listening.map { "\($0)" },
            openListeners: listening.filter { network.admitsPlain(at: $0) }.map { "\($0)" },
            enrolment: host.enrolmentReport,
            masters: entries.sorted { ($0.name, $0.version) < ($1.name, $1.version) },
            clones: clones.count, clonesByBackend: Host.byBackend(clones),
            trackers: trackers.sorted { $0.url < $1.url },
            freeBytes: host.freeBytes, limits: limits, violations: network.counts.violations,
            refusals: network.counts.refusals, orders: (try? await ordersReport())?.lines, warnings: warnings)
    }

    // MARK: Swarms

    /// Serves a registered master, unless that is done already. An adopted one is not served: its file may change at any
    /// time, and nobody may be sent what is not verified.
    func seed(_ name: MasterName) async {
        guard swarms[name] == nil, !isStopping, host.store.isAdopted(name) == false, !host.trust.isRevoked(name)
        else { return }
        do {
            let metainfo = try await host.blocking { [host] in try host.store.metainfo(of: name) }
            try await join(
                ImageSwarm(
                    seeding: name, metainfo, trackers: trackers(of: metainfo, []), host: host, network: network,
                    rack: configuration.rack, log: log))
        } catch {
            log.error(
                "a master cannot be served", metadata: ["master": "\(name)", "reason": "\(HostFailure(error).message)"])
        }
    }

    /// How far a fetch is, or that it is done; `nil` when there is none.
    func entry(of name: MasterName) async -> StatusReport.Entry? { await swarms[name]?.entry() }

    /// Leaves the swarm of an image that is not to be served or fetched any more.
    func leave(_ name: MasterName) async { await swarms.removeValue(forKey: name)?.stop() }

    /// What this peer serves or fetches.
    var images: [MasterName] { swarms.keys.sorted() }

    func join(_ swarm: ImageSwarm) async throws {
        guard swarms[swarm.name] == nil, !isStopping else { return }
        swarms[swarm.name] = swarm
        do {
            try await swarm.start()
        } catch {
            swarms[swarm.name] = nil
            throw error
        }
    }

    /// Who is announced to: every tracker that somebody here named, and one of those that the torrent names, tier by tier
    /// (BEP 12). Kinds that are not spoken are left out.
    func trackers(of metainfo: Metainfo, _ named: [String]) -> [AnnounceTiers] {
        var ours: [TrackerURL] = []
        for url in configuration.trackers + named.compactMap({ TrackerURL($0) }) where !ours.contains(url) {
            ours.append(url)
        }
        let theirs = metainfo.trackers.map { tier in
            tier.compactMap { TrackerURL($0) }.filter { !ours.contains($0) }
        }
        var random = SystemRandomNumberGenerator()
        return (ours.map { AnnounceTiers($0) } + [AnnounceTiers(theirs, using: &random)]).filter { !$0.isEmpty }
    }
}
