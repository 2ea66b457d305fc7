// SPDX-License-Identifier: Apache-2.0

import FleetAgent
import FleetIdentity
import FleetProtocol
import ImageStore
import Logging
import Metainfo
import TrackerProtocol

/// What a running peer does for the orders of its tracker.
extension Peer {
    private static let look = Duration.milliseconds(500)
    private static let longestPause = Duration.seconds(30)

    // MARK: Whom it follows

    /// Follows the tracker that this host is enrolled at, from this moment on; none when it is enrolled nowhere, or the peer
    /// stops. One change after another, so that there are never two followers.
    func followOrders() async {
        let before = followingChange
        let change = Task {
            await before?.value
            await self.changeFollowing()
        }
        followingChange = change
        await change.value
    }

    private func changeFollowing() async {
        let source = isStopping ? nil : configuration.orders ?? ownTracker
        if let following, following.follower.source.fleet == source?.fleet,
            following.follower.source.tracker == source?.tracker
        {
            return
        }
        await unfollow()
        guard let source, !isStopping else { return }
        do throws(HostFailure) {
            let follower = try OrderFollower(self, source: source, log: log)
            following = (follower, Task { await follower.run() })
        } catch {
            // Everything else goes on, clones of this host's masters above all.
            warnings.append(error.message)
            log.error("the tracker's orders are not followed", metadata: ["reason": "\(error.message)"])
        }
    }

    private func unfollow() async {
        guard let (_, task) = following else { return }
        following = nil
        task.cancel()
        await task.value
    }

    private var ownTracker: (any OrderSource)? {
        guard let membership = host.enrolment.membership, let tracker = TrackerURL(membership.tracker) else {
            return nil
        }
        return TrackerOrders(tracker, fleet: membership.identity.anchor.fingerprint) { [host] in host.trackerClient() }
    }

    func ordersReport() async throws(HostFailure) -> OrdersReport? {
        if let following { return await following.follower.state }
        do { return try await host.blocking { [host] in try host.ordersReport() } } catch { throw HostFailure(error) }
    }

    func trustEpoch(_ epoch: String?) async throws(HostFailure) -> OrdersReport {
        guard let follower = following?.follower else { throw .notEnrolled }
        let before = await follower.state
        try await follower.confirmEpoch(epoch)
        try host.audit.add("fleet.epoch", before.fleet, before: before.epoch, after: before.strangeEpoch)
        return await follower.state
    }

    // MARK: What the store says

    /// What the store says of lines of masters now.
    func lineViews(of lines: Set<String>) async -> [String: LineView] {
        let masters = await masters()
        return Dictionary(
            lines.map { line in
                let versions = host.store.activeVersions(of: line)
                let held = masters.filter { $0.name.name == line && $0.state == .registered }
                return (
                    line,
                    LineView(
                        active: versions.current,
                        held: Dictionary(
                            held.map { ($0.name.version, $0.infoHashes.ordered) }, uniquingKeysWith: { $1 }),
                        denied: Set(versions.denied.map(\.version)))
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    func facts() async -> HostFacts? {
        let isHealthy = warnings.isEmpty
        return try? await host.blocking { [host, configuration] in
            host.facts(labels: configuration.labels, isHealthy: isHealthy)
        }
    }

    // MARK: What is done

    /// Does what is asked for, to its end.
    /// - Parameter progress: told how it goes meanwhile.
    func carryOut(_ effect: AgentEffect, progress: @escaping OrderProgress) async -> AgentEvent.Outcome {
        do {
            switch effect {
            case .stage(let order):
                try await stage(order, progress)
                return .staged
            case .activate(let order):
                try await activate(order)
                return .activated
            case .probe(let order): return try await probe(order)
            case .rollBack(let order):
                try await host.blocking { [host] in try host.goBack(from: order.master, to: order.previous) }
                return .rolledBack
            case .stop, .report: return .failed(.internal, log: nil)
            }
        } catch {
            let failure = HostFailure(error)
            return .failed(ReasonCode(failure, in: effect), log: failure.message.suffixBytes(FleetLimits.logBytes))
        }
    }

    /// A step that has been stopped is not gone on with; what has come in stays for another time.
    func stopStaging(_ order: FleetOrder) async {
        guard host.store.partials().contains(where: { $0.name == order.master && $0.request.isOrdered })
        else { return }
        await leave(order.master)
    }

    private func stage(_ order: FleetOrder, _ progress: @escaping OrderProgress) async throws {
        if try await isHeld(order) { return }
        try await dropOthers(than: order)
        var pause = Self.look
        // A restart has made it go on already, also without the tracker.
        while await !isUnderWay(order) {
            do {
                try await fetch(order)
            } catch {
                guard case .trackerUnreachable = HostFailure(error).code else { throw error }
                // It is the tracker that wants it; it will be there again.
                log.debug("an order waits for the tracker", metadata: ["reason": "\(HostFailure(error).message)"])
                try await Task.sleep(for: pause)
                pause = min(pause * 2, Self.longestPause)
            }
            if try await isHeld(order) { return }
        }
        while true {
            if try await isHeld(order) { return }
            guard let entry = await entry(of: order.master) else {
                throw HostFailure(.notFound, "the fetch of \(order.master) was given up")
            }
            switch entry.state {
            case "failed":
                let reason = entry.failure ?? "the fetch of \(order.master) failed"
                // A swarm gives up for nothing else than its image on disk.
                throw HostFailure(host.freeBytes < Self.leastSpace ? .noSpace : .failed, reason, isDiskError: true)
            case "verifying": await progress(.verifying)
            default: await progress(.staging(bytes: UInt64(max(0, entry.bytesVerified))))
            }
            try await Task.sleep(for: Self.look)
        }
    }

    /// With less than this left a failed write was for want of space.
    private static let leastSpace: Int64 = 16 << 20

    private func fetch(_ order: FleetOrder) async throws(HostFailure) {
        let trackers = following.map { [$0.follower.source.tracker] } ?? []
        _ = try await perform(
            .fetch(
                HostRequest.Fetch(
                    source: .catalogue(MasterReference(order.master)), rename: nil, trackers: trackers, clone: nil,
                    count: nil, backend: "auto",
                    staging: .init(infoHash: order.infoHash, ratePercent: order.stageRatePercent)))
        ) { _ in }
    }

    private func isUnderWay(_ order: FleetOrder) async -> Bool {
        guard let entry = await entry(of: order.master), entry.state != "failed" else { return false }
        return host.store.partials().contains { $0.name == order.master && $0.infoHashes.ordered == order.infoHash }
    }

    /// Of other versions of the line that a tracker ordered before, what has come in is of no use any more.
    private func dropOthers(than order: FleetOrder) async throws {
        for partial in host.store.partials()
        where partial.name.name == order.master.name && partial.name != order.master
            && partial.request.isOrdered
        {
            await leave(partial.name)
            try await host.blocking { [host] in try host.store.abandon(partial.name) }
        }
    }

    /// - Returns: whether the very master that was ordered is registered.
    /// - Throws: when another one is.
    private func isHeld(_ order: FleetOrder) async throws(HostFailure) -> Bool {
        guard let master = await masters().first(where: { $0.name == order.master }), master.state == .registered
        else { return false }
        guard master.infoHashes.ordered == order.infoHash else {
            throw HostFailure(.conflict, "\(order.master) is here with other content than was ordered; remove it")
        }
        return true
    }

    private func activate(_ order: FleetOrder) async throws {
        let wish = HostRequest.Activate(
            master: MasterReference(order.master), clearsDenial: order.clearsDenial, unsigned: false)
        while true {
            do throws(HostFailure) {
                _ = try await host.perform(.activate(wish)) { _ in }
                return
            } catch {
                let denial = host.store.activeVersions(of: order.master.name).denial(of: order.master.version)
                guard error.code == .conflict, denial == nil || order.clearsDenial else { throw error }
            }
            // Somebody else is working on the master at the moment, such as what has just registered it.
            try await Task.sleep(for: Self.look)
        }
    }

    private func probe(_ order: FleetOrder) async throws -> AgentEvent.Outcome {
        let wish = configuration.probe.of(order.master)
        while true {
            do throws(HostFailure) {
                guard case .probed(let report) = try await host.perform(.probeMaster(wish), progress: { _ in }) else {
                    return .failed(.internal, log: nil)
                }
                guard let code = report.code else { return .probed }
                let log = [report.reason, report.log].compactMap { $0 }.joined(separator: "\n")
                return .failed(ReasonCode(rawValue: code), log: log.suffixBytes(FleetLimits.logBytes))
            } catch {
                // One probe at a time: another one is under way, for another line or by hand.
                guard error.code == .conflict else { throw error }
            }
            try await Task.sleep(for: Self.look)
        }
    }
}

extension ReasonCode {
    fileprivate init(_ failure: HostFailure, in effect: AgentEffect) {
        self =
            switch (effect, failure.code) {
            case (.rollBack, .notFound): .nothingToReturnTo
            case (.rollBack, _): .rollbackFailed
            case (.probe, .notFound), (.activate, .notFound): .notStaged
            case (.probe, _): .cloneFailed
            case (_, .noSpace): .noSpace
            case (_, .verification): .untrusted
            case (.activate, .conflict): .denied
            case (.activate, _): .activateFailed
            // Not let in, such as for a clock that is wrong for a while.
            case (_, .trackerUnreachable), (_, .denied): .networkFailed
            case (_, .notFound): .noSources
            case (_, .conflict): .registerFailed
            default: failure.isDiskError ? .diskFailed : .internal
            }
    }
}

extension InfoHashes {
    /// As orders write it: the version 2 hash, or that of a master which has only the older one.
    var ordered: String { v2?.hex ?? v1?.hex ?? "" }
}
