// SPDX-License-Identifier: Apache-2.0

import ImageStore
import Metainfo
import PeerTransport
import TrackerProtocol

/// How a running peer begins to fetch a master: what the order means, whether this host believes it, and who is asked.
extension Peer {
    func fetch(
        _ order: HostRequest.Fetch, _ progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws(HostFailure) -> HostReply {
        do {
            var named: [TrackerURL] = []
            for text in order.trackers { named.append(try TrackerClient.url(text)) }
            let (torrent, metainfo, name, label) = try await offer(order, named, progress)
            let request = FetchRequest(
                trackers: named.map(\.announce),
                clones: order.clone.map { FetchRequest.Clones(base: $0, count: order.count, backend: order.backend) },
                label: label, unsigned: order.unsigned ? true : nil, stageRatePercent: order.staging?.ratePercent)
            if let clone = order.clone {
                try host.checkClones(clone, count: order.count, backend: order.backend)
            }
            let isThere = try await begin(metainfo, torrent, name, request)
            if isThere { try await cloneAtOnce(order, name) }
            return .fetching(master: "\(name)", isComplete: isThere)
        } catch {
            throw HostFailure(error)
        }
    }

    /// The torrent as it is, or with the piece layer that it lacks.
    private func complete(
        _ torrent: [UInt8], _ named: [TrackerURL], _ progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws -> [UInt8] {
        guard let missing = MissingPieceLayer(try TorrentFile(torrent)) else { return torrent }
        let own = missing.trackers.joined().compactMap { TrackerURL($0) }
        return try await PieceLayerFetch(
            missing: missing, trackers: configuration.trackers + named + own, client: host.trackerClient(),
            network: network, progress: progress
        ).run()
    }

    /// - Returns: whether the very content was registered already.
    private func begin(
        _ metainfo: Metainfo, _ torrent: [UInt8], _ name: MasterName, _ request: FetchRequest
    ) async throws -> Bool {
        try await checkSingle(metainfo, name)
        let trackers = trackers(of: metainfo, request.trackers)
        if let swarm = swarms[name], await swarm.hasFailed { await leave(name) }
        do {
            let image = try await host.blocking { [host] in
                try host.store.beginFetch(metainfo, torrent: torrent, as: name, request: request)
            }
            paceStaging()
            if let swarm = swarms[name] {
                await swarm.add(trackers: request.trackers.compactMap { TrackerURL($0) })
            } else {
                try await join(
                    ImageSwarm(
                        fetching: image, trackers: trackers, host: host, network: network, rack: configuration.rack,
                        log: log))
            }
            return false
        } catch let error as StoreError where error.kind == .alreadyRegistered {
            await seed(name)
            return true
        }
    }

    /// One torrent has one place in its swarm: a second name for the same content would take the first one's.
    private func checkSingle(_ metainfo: Metainfo, _ name: MasterName) async throws(HostFailure) {
        let others =
            await masters().map { ($0.name, $0.infoHashes) }
            + host.store.partials().map { ($0.name, $0.infoHashes) }
        guard let other = others.first(where: { $0.0 != name && $0.1.v2 == metainfo.infoHashes.v2 }) else { return }
        throw HostFailure(
            .conflict,
            "this very torrent is here as \(other.0) already; use that, or remove it before fetching it as \(name)")
    }

    private func cloneAtOnce(_ order: HostRequest.Fetch, _ name: MasterName) async throws {
        guard let clone = order.clone else { return }
        _ = try await host.blocking { [host] in
            try host.makeClones(clone, count: order.count, of: name, backend: order.backend)
        }
    }

    /// What an order means, as far as this host believes it: a file, or the first of the trackers' answers that stands up.
    private func offer(
        _ order: HostRequest.Fetch, _ named: [TrackerURL], _ progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws -> (torrent: [UInt8], metainfo: Metainfo, name: MasterName, label: String?) {
        let reference: MasterReference
        switch order.source {
        case .torrent(let data): return try await check(Array(data), nil, order, named, nil, progress)
        case .catalogue(let asked): reference = asked
        }
        let trackers = named + configuration.trackers
        guard !trackers.isEmpty else {
            throw HostFailure(.usage, "no tracker to ask for \(reference); name one with --tracker URL")
        }
        var failure: HostFailure?
        for tracker in trackers {
            do {
                guard let found = try await host.trackerClient().published(reference, at: tracker) else { continue }
                return try await check(found.torrent, found.label, order, named, (tracker, found.name), progress)
            } catch {
                failure = HostFailure(error)
            }
        }
        throw failure
            ?? HostFailure(
                .notFound,
                "no tracker knows \(reference); publish it with `drover master publish`, or give the .torrent file")
    }

    /// - Parameter origin: the tracker it is from, and what the tracker says it is.
    private func check(
        _ found: [UInt8], _ label: String?, _ order: HostRequest.Fetch, _ named: [TrackerURL],
        _ origin: (tracker: TrackerURL, name: MasterName)?, _ progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws -> (torrent: [UInt8], metainfo: Metainfo, name: MasterName, label: String?) {
        let torrent = try await complete(found, named, progress)
        let metainfo = try Metainfo(torrent: torrent)
        try host.checkAccess(to: metainfo)
        if let origin, metainfo.name != origin.name.fileName {
            throw HostFailure(
                .trackerUnreachable,
                "the tracker \(origin.tracker.base) gave another torrent than that of \(origin.name)")
        }
        let name = try MasterName(order.rename, of: metainfo)
        if let staging = order.staging, staging.infoHash != metainfo.infoHashes.ordered {
            throw HostFailure(.verification, "\(name) has other content than was ordered")
        }
        try await host.checkTrust(in: name, metainfo, order: order, from: origin?.tracker)
        return (torrent, metainfo, name, label)
    }
}
