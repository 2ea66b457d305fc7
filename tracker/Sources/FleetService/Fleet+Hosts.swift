// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol
import FoundationEssentials
import Metainfo
import RolloutCore
import TrackerStorage

/// What hosts say, and what they are told.
extension Fleet {
    /// Everything a host shall have, at once.
    package func orders(for host: String) throws(FleetProblem) -> HostOrders {
        let name = try known(host)
        let lines = Dictionary(grouping: rollouts.values, by: { $0.target.master.line })
        let orders = lines.keys.sorted().compactMap { line in
            let standing = HostOrder.standing(among: (lines[line] ?? []).compactMap { $0.order(for: name) })
            return standing.map { hosts.keptOut(name, of: line) == nil ? $0 : $0.resting }.flatMap(FleetOrder.init)
        }
        let told = Array(orders.prefix(FleetLimits.lines))
        return HostOrders(
            tag: try HostOrders.tag(told, epoch: epoch), orders: told,
            contactSeconds: contactSeconds(of: name))
    }

    /// How soon a host gets in touch again: in time not to count as silent, and while something goes on there often enough to be
    /// looked at, unless that is so of so many that it would be work for the tracker.
    private func contactSeconds(of name: HostName) -> Int {
        let inTime = max(1, Int(contactLimit(of: name).milliseconds / 4000))
        guard activities[name]?.isBusy == true else { return inTime }
        return min(inTime, max(Self.liveSeconds, activities.busy / Self.liveReports))
    }

    /// Twice the time in seconds between two reports of a busy host, and about how many of them there are a second at most.
    private static let liveSeconds = 4
    private static let liveReports = 100

    /// Within what time a host must be heard of: the shortest limit that its rollouts set for it.
    private func contactLimit(of name: HostName) -> Span {
        let limits = rollouts.values.compactMap { rollout -> Span? in
            guard let host = rollout.host(name) else { return nil }
            let (silence, activation) = (rollout.settings.silenceLimit, rollout.settings.activateLimit)
            if host.state.step != nil { return min(silence, activation) }
            return rollout.hasBegun && !rollout.phase.isTerminal ? silence : nil
        }
        return min(limits.min() ?? Self.silenceLimit, Self.silenceLimit)
    }

    /// A host's orders as it is about to be told them, and with them how often to get in touch.
    private func tell(_ host: String) throws(FleetProblem) -> HostOrders {
        let (name, orders) = (try known(host), try orders(for: host))
        presence.tell(name, contactLimit(of: name), at: now)
        return orders
    }

    /// The same, kept back until it is something else than `tag` says, or the wait is over.
    package func orders(for host: String, after tag: String?, wait: Duration) async throws -> HostOrders {
        let name = try await met(host)
        try await noteLife(name)
        let longest = min(wait, .seconds(FleetLimits.longestWait))
        let (changes, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = listeners.add(continuation, for: name)
        defer { listeners.remove(number, of: name) }
        let timer = Task {
            try? await Task.sleep(for: longest)
            continuation.finish()
        }
        defer { timer.cancel() }
        if let tag, longest > .zero, try orders(for: host).tag == tag {
            for await _ in changes where try orders(for: host).tag != tag { break }
        }
        return try tell(host)
    }

    /// A host says how far it is, and what there is to know of it.
    /// - Parameter origin: the address it says it from.
    package func take(_ notice: HostNotice, from host: String, at origin: String? = nil) async throws -> HostOrders {
        let name = try await met(host)
        activities.note(notice.activity, of: name, from: origin, at: now)
        // What cannot be taken the host says again; the rest of what it says is not lost with it.
        var failure = FirstFailure()
        await failure.attempt { try await noteLife(name) }
        if let facts = notice.facts { await failure.attempt { try await take(facts, from: name) } }
        for report in notice.reports { await failure.attempt { try await take(report, from: name) } }
        try failure.check()
        return try tell(host)
    }

    private func take(_ report: FleetProtocol.HostReport, from name: HostName) async throws {
        guard let rollout = rollouts[report.stamp.rollout], var heard = Self.heard(report, from: name, log: nil) else {
            return
        }
        // Hosts say the same again with each sign of life, and its log is kept with what is news.
        if let log = report.log, rollout.changes(by: heard, at: now),
            await keep(log, of: name, isOfProbe: report.state == .probeFailed, rollout.number)
        {
            heard = Self.heard(report, from: name, log: Self.logName("\(name)")) ?? heard
        }
        try await decide(.report(heard), rollout.number)
    }

    /// Whoever gets in touch; one that is not known yet may have been enrolled since the tracker started.
    private func met(_ host: String) async throws -> HostName {
        if let name = HostName(host), !hosts.isKnown(name), let stored = try await storage.host(host),
            stored.revoked == nil
        {
            noteEnrolment(stored)
        }
        return try known(host)
    }

    func known(_ host: String) throws(FleetProblem) -> HostName {
        guard let name = HostName(host), hosts.isKnown(name) else {
            throw FleetProblem(
                status: 404, code: .unknownHost, detail: "The host is not enrolled in this fleet: enrol it first.")
        }
        return name
    }

    /// Takes in a host that was enrolled a moment ago.
    private func noteEnrolment(_ host: StoredHost) {
        hosts.take(host)
        if let name = HostName(host.name) { presence.watch(name, at: now) }
    }

    private func noteLife(_ name: HostName) async throws {
        if !presence.isWatched(name) || presence.isSilent(name) || halfSilent.contains(name) {
            try await decide(.heard(name))
        }
        presence.heard(name, at: now)
        halfSilent.remove(name)
    }

    private func take(_ facts: HostFacts, from name: HostName) async throws {
        if hosts.facts(name) != facts {
            let bytes = Array(try JSONEncoder().encode(facts))
            try await change(name) { $0.facts = bytes }
        }
        try await tellRollouts(of: name, isHeard: true)
    }

    /// Changes what is stored of a host: what it says of itself, and what operators want of it, one after another.
    func change(_ name: HostName, _ change: (inout StoredHost) -> Void) async throws {
        try await inTurn {
            // Somebody who enrols it, or shuts it out, may come between all the same.
            for _ in 0..<Self.longestContention {
                guard let stored = try await self.storage.host("\(name)"), stored.revoked == nil else {
                    throw Self.unknownHost
                }
                var wanted = stored
                change(&wanted)
                guard wanted != stored else { return self.hosts.take(stored) }
                guard let changed = try await self.storage.replaceHost(wanted) else { continue }
                self.hosts.take(changed)
                self.untold.insert(name)
                return
            }
            throw FleetProblem(
                status: 503, code: .busy, detail: "The host changes all the time: ask again in a moment.")
        }
    }

    private static let longestContention = 16

    /// Tells the rollouts what is new about a host, if anything is.
    func tellRollouts(of name: HostName, isHeard: Bool = false) async throws {
        // Whatever changes meanwhile is news again.
        guard untold.remove(name) != nil else { return }
        var failure = FirstFailure()
        for (number, rollout) in rollouts.sorted(by: { $0.key < $1.key }) {
            let isOnline = isHeard || presence.isHeard(name, within: rollout.settings.silenceLimit)
            let host = hosts.host(name, line: rollout.target.master.line, isOnline: isOnline)
            if let host { await failure.attempt { try await take(host, number) } }
        }
        do { try failure.check() } catch {
            untold.insert(name)
            throw error
        }
    }

    /// Under what name the log of what failed on a host is kept.
    static func logName(_ host: String) -> String { "\(host).log" }

    /// Places beside a rollout that are for the logs of probes: messages of failed steps are many, and say little more than
    /// their codes.
    private static let placesOfProbes = 100

    /// Keeps the log of a failure beside the rollout's own.
    /// - Returns: whether it is kept; what a host says counts also where it is not.
    private func keep(_ log: String, of name: HostName, isOfProbe: Bool, _ rollout: UInt64) async -> Bool {
        if !isOfProbe {
            guard let kept = try? await storage.attachments(of: "\(rollout)").count,
                kept < StorageLimits().attachments - Self.placesOfProbes
            else { return false }
        }
        return (try? await storage.attach(Array(log.utf8), named: Self.logName("\(name)"), to: "\(rollout)")) ?? false
    }

    /// What a report says to a rollout.
    private static func heard(
        _ report: FleetProtocol.HostReport, from name: HostName, log: String?
    ) -> RolloutCore.HostReport? {
        let code = FailureCode(reported: (report.code ?? .unrecognised).rawValue)
        let progress: RolloutCore.HostReport.Progress? =
            switch report.state {
            case .staging: .staging(bytes: report.bytes ?? 0)
            case .verifying: .verifying
            case .staged: .staged
            case .activating: .activating
            case .activated: .activated
            case .probePassed: .probePassed
            case .probeFailed: .probeFailed(code, log: log)
            case .healthy: .healthy
            case .rolledBack: .rolledBack
            case .failed: .failed(code, log: log)
            default: nil
            }
        return progress.map {
            RolloutCore.HostReport(
                host: name, version: UInt64(report.master.version), stamp: report.stamp.core, progress: $0)
        }
    }
}

extension FleetOrder {
    /// - Returns: `nil` for a version that no host could name.
    init?(_ order: HostOrder) {
        guard let version = Int(exactly: order.master.version), let master = order.master.name(version) else {
            return nil
        }
        self.init(
            stamp: OrderStamp(epoch: order.stamp.epoch, rollout: order.stamp.rollout, order: order.stamp.order),
            step: Step(rawValue: order.step.rawValue), master: master, infoHash: order.master.infoHash,
            previous: order.previous.flatMap(Int.init(exactly:)), isProbed: order.isProbed,
            clearsDenial: order.clearsDenial, stageRatePercent: order.stageRatePercent)
    }
}

extension OrderStamp {
    var core: HostOrder.Stamp { HostOrder.Stamp(epoch: epoch, rollout: rollout, order: order) }
}

extension Rollout {
    /// Whether a report says anything new to it.
    fileprivate func changes(by report: RolloutCore.HostReport, at now: Instant) -> Bool {
        (try? decide(.report(report), at: now, order: latestOrder))?.isEmpty == false
    }
}
