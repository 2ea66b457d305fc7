// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol
import RolloutCore
import TrackerStorage

/// What operators ask.
extension Fleet {
    /// What a rollout would do. Nothing is kept of it.
    package func plan(_ request: RolloutRequest) async throws -> RolloutPlanDocument {
        RolloutPlanDocument(try await planned(request), rollout: nil)
    }

    /// Plans a rollout and keeps it, to be started.
    /// - Parameters:
    ///   - name: the operator's.
    ///   - key: names the request, so that the same one again changes nothing.
    package func create(
        _ request: RolloutRequest, by name: String, key: String? = nil
    ) async throws -> RolloutPlanDocument {
        let wanted = try await planned(request)
        let (number, plan) = try await refusing {
            try await self.create(wanted, by: .operator(name: name), request: key)
        }
        return RolloutPlanDocument(plan, rollout: number)
    }

    /// Carries out what an operator asks of a rollout.
    package func command(
        _ request: RolloutCommandRequest, to number: UInt64, by name: String, key: String? = nil
    ) async throws -> RolloutStatusDocument {
        let command = try request.core()
        guard (1...max(1, latestNumber)).contains(number) else { throw Self.noRollout(number) }
        try await lookOutside(for: number)
        _ = try await refusing {
            try await self.decide(
                .command(command), number, by: .operator(name: name), request: key, reason: request.reason)
        }
        try await replaceOlder(than: number)
        return try await status(number)
    }

    package func status(_ number: UInt64) async throws -> RolloutStatusDocument {
        let rollout = try await rollout(number)
        let clones = hosts.clones(of: rollout.target.master.line, on: rollout.hosts.lazy.map(\.name))
        return RolloutStatusDocument(rollout, clones: clones)
    }

    package func why(_ number: UInt64, _ host: String) async throws -> RolloutWhyDocument {
        let rollout = try await rollout(number)
        guard let name = HostName(host), let record = rollout.host(name), let explanation = rollout.why(name) else {
            throw FleetProblem(
                status: 404, code: .unknownHost, detail: "The host is not part of rollout \(number): check its name.")
        }
        var document = RolloutWhyDocument(rollout, record, explanation)
        // A host that went back says no more what failed there, and its log is still to be had.
        let log = Self.logName("\(name)")
        if document.log == nil, try await storage.attachments(of: "\(number)").contains(log) { document.log = log }
        let master = "\(rollout.target.master)"
        document.fetch = glance("\(name)")?.activity.fetches.first { $0.master == master }
        return document
    }

    /// The log of what failed on a host, as the host gave it.
    package func log(_ number: UInt64, _ host: String) async throws -> [UInt8] {
        let why = try await why(number, host)
        guard let log = try await storage.attachment(named: Self.logName(why.host), of: "\(number)") else {
            throw FleetProblem(
                status: 404, code: .notFound,
                detail: "The host \(why.host) has left no log in rollout \(number): nothing failed there that has one.")
        }
        return log
    }

    /// Rollouts from the newest on.
    /// - Parameter before: the number before which the page begins; `nil` for the newest.
    package func list(before: UInt64? = nil, limit: Int = 20) async throws -> RolloutListDocument {
        var number = min(before ?? .max, latestNumber + 1)
        var entries: [RolloutListDocument.Entry] = []
        while number > 1, entries.count < min(max(1, limit), 50) {
            number -= 1
            if let rollout = try await kept(number) { entries.append(RolloutListDocument.Entry(rollout)) }
        }
        return RolloutListDocument(rollouts: entries, next: number > 1 ? "\(number)" : nil)
    }

    /// A rollout as it is, also one that is over and has left memory; `nil` when there is none.
    func kept(_ number: UInt64) async throws -> Rollout? {
        if let rollout = rollouts[number] { return rollout }
        return try await fold(number)
    }

    private func rollout(_ number: UInt64) async throws -> Rollout {
        guard let rollout = try await kept(number) else { throw Self.noRollout(number) }
        return rollout
    }

    private func planned(_ request: RolloutRequest) async throws -> RolloutPlan {
        guard let published = try await storage.master(request.master) else {
            throw FleetProblem(
                status: 404, code: .notFound, detail: "\(request.master) is not published here: publish it first.")
        }
        let (target, settings) = try request.core(
            published, followsAtLeast: try await followed(by: published, request.master))
        let line = target.master.line
        let fleet = hosts.names.compactMap {
            hosts.host($0, line: line, isOnline: presence.isHeard($0, within: settings.silenceLimit))
        }
        return RolloutPlanner(target: target, settings: settings).plan(fleet)
    }

    private func refusing<Outcome: Sendable>(_ body: () async throws -> Outcome) async throws -> Outcome {
        do { return try await body() } catch let refusal as Refusal { throw FleetProblem(refusal) }
    }

    private static func noRollout(_ number: UInt64) -> FleetProblem {
        FleetProblem(
            status: 404, code: .notFound, detail: "There is no rollout \(number): “drover rollout list” shows them.")
    }
}
