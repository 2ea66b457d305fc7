// SPDX-License-Identifier: Apache-2.0

import Console
import Exposition
import FleetProtocol
import FleetService
import FoundationEssentials
import Metainfo
import TrackerStorage

/// Puts the first screen together.
struct OverviewDesk: Sendable {
    let fleet: Fleet
    let look: SharedLook
    let swarms: LiveSwarms
    let storage: any StorageEngine
    let audit: TrackerAudit
    /// When certificates end, by what they are for.
    let certificates: [(String, Date)]
    let hasRoot: Bool
    /// How far behind with its work the HTTP server is.
    let lag: @Sendable () -> Duration
    let clock: @Sendable () -> Int64

    private static let rolloutsShown = 4
    private static let slowShown = 5
    private static let lowShown = 5
    /// Days before the end of something at which it is said.
    private static let notice = 14

    func overview() async throws -> Overview {
        var overview = Overview()
        let look = await look.latest()
        let measures = look.measures
        overview.rollouts = try await fleet.currentRollouts(limit: Self.rolloutsShown)
        overview.swarms = Self.swarms(
            look.glances, holders: look.spread.compactMapValues { $0.heldOnline > 0 ? $0.heldOnline : nil },
            wanted: Set(overview.rollouts.map(\.master)))
        overview.capacity.hosts = measures.online + measures.silent
        overview.capacity.silent = measures.silent
        overview.capacity.drained = measures.drained
        overview.capacity.unwell = measures.unwell
        (overview.capacity.low, overview.capacity.lowest) = (look.short.count, Array(look.short.prefix(Self.lowShown)))
        overview.capacity.clonesOnActive = measures.clonesOnActive
        overview.capacity.clonesOnOthers = measures.clonesOnOthers
        overview.trust = trust(measures)
        overview.tracker = try await tracker()
        overview.reasons = Self.reasons(overview)
        return overview
    }

    /// - Parameters:
    ///   - holders: how many hosts that are there hold each master.
    ///   - wanted: masters of rollouts. Of others that nobody holds one host's word is not enough.
    private static func swarms(
        _ glances: [HostGlance], holders: [String: Int], wanted: Set<String>
    ) -> Overview.Swarms {
        // A host sees few of the others, so that the most that any of them sees counts.
        var copies: [String: Int] = [:]
        var swarms = Overview.Swarms()
        var slow: [(left: Int, host: Overview.Slow)] = []
        for glance in glances {
            swarms.rate &+= glance.activity.down
            if glance.activity.fetches.isEmpty {
                if glance.activity.up > 0 { swarms.seeds += 1 }
                continue
            }
            swarms.fetchers += 1
            var slowest: (left: Int, host: Overview.Slow)?
            for fetch in glance.activity.fetches {
                if wanted.contains(fetch.master) || holders[fetch.master] != nil {
                    let seen = min(fetch.rarestCopies, glances.count)
                    copies[fetch.master] = max(copies[fetch.master] ?? holders[fetch.master] ?? 0, seen)
                }
                if let least = fetch.least, let most = fetch.most {
                    swarms.least = max(swarms.least ?? 0, least)
                    swarms.most = max(swarms.most ?? 0, most)
                }
                let left = fetch.most ?? .max
                guard slowest.map({ $0.left < left }) ?? true else { continue }
                slowest = (
                    left,
                    Overview.Slow(
                        host: glance.host, master: fetch.master,
                        part: Double(fetch.bytes) / Double(max(1, fetch.size)), rate: fetch.rate,
                        cause: fetch.cause, finding: fetch.finding)
                )
            }
            if let slowest { slow.append(slowest) }
        }
        swarms.rarestCopies = copies.values.min()
        swarms.slowest = slow.sorted { ($1.left, $0.host.host) < ($0.left, $1.host.host) }.prefix(slowShown).map(\.host)
        return swarms
    }

    private func trust(_ measures: FleetMeasures) -> Overview.Trust {
        var trust = Overview.Trust()
        trust.hasRoot = hasRoot
        trust.refusals = audit.refusedCount
        let now = clock()
        func expiry(_ what: String, _ at: Int64) -> Overview.Expiry {
            Overview.Expiry(what, at: ConsoleRoutes.time(at), days: Int((at - now) / 86_400) - (at < now ? 1 : 0))
        }
        trust.expiries =
            measures.rollouts.compactMap { rollout in
                rollout.expires.map { expiry("Statement about \(rollout.line)", $0) }
            } + certificates.map { expiry("Certificate: \($0.0)", Int64($0.1.timeIntervalSince1970)) }
        return trust
    }

    private func tracker() async throws -> Overview.Tracker {
        var tracker = Overview.Tracker()
        let (counts, announces, epoch) = (swarms.counts(), swarms.measures(), try await storage.epoch())
        (tracker.swarms, tracker.peers) = (counts.swarms, counts.peers)
        tracker.announces = announces.http.count &+ announces.udp.count
        tracker.shed = announces.httpShed &+ announces.udpShed
        tracker.slow = [announces.http, announces.udp].compactMap { $0.quantile(0.99) }.max()
        tracker.lag = lag() / .seconds(1)
        tracker.version = ProgramVersion.text
        tracker.epoch = "\(epoch.number)"
        return tracker
    }

    /// What somebody should know before anything else.
    static func reasons(_ overview: Overview) -> [Overview.Reason] {
        var reasons: [Overview.Reason] = []
        for rollout in overview.rollouts where !rollout.phase.isOver {
            let path = "/rollouts/\(rollout.rollout)"
            if let pause = rollout.pause {
                let isBlocked = ["error-threshold", "capacity", "stalled", "restored", "trust-expired"].contains(
                    pause.code.rawValue)
                reasons.append(
                    .init(isBlocked ? .bad : .attention, "\(rollout.master) is paused: \(pause.code.rawValue)", path))
            }
            let failed = rollout.failures.values.reduce(0, +)
            if failed > 0 {
                reasons.append(.init(.attention, "\(failed) hosts failed with \(rollout.master)", path + "#failures"))
            }
        }
        if overview.swarms.fetchers > 0, overview.swarms.rarestCopies == 0 {
            reasons.append(.init(.bad, "nobody has all of a master that is being fetched", "/swarm"))
        }
        let capacity = overview.capacity
        if capacity.silent > 0 {
            reasons.append(.init(.attention, "\(capacity.silent) hosts are silent", "/hosts?state=silent"))
        }
        if capacity.low > 0 { reasons.append(.init(.attention, "\(capacity.low) hosts are short of space", "/hosts")) }
        if capacity.unwell > 0 { reasons.append(.init(.attention, "\(capacity.unwell) hosts are unwell", "/hosts")) }
        for expiry in overview.trust.expiries where expiry.days < notice {
            reasons.append(
                .init(
                    expiry.days < 0 ? .bad : .attention,
                    expiry.days < 0 ? "\(expiry.what) has ended" : "\(expiry.what) ends in \(expiry.days) days",
                    "/#trust"))
        }
        if overview.tracker.lag >= 0.25 {
            reasons.append(.init(.attention, "the tracker is behind with its work", "/#tracker"))
        }
        return reasons
    }
}
