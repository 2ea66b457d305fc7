// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol
import RolloutCore
import TrackerStorage

/// What operators see of hosts, and what they want of them.
extension Fleet {
    /// Which hosts are asked for.
    private enum HostFilter: String, CaseIterable, Sendable {
        case all, online, silent, drained, pinned
    }

    package func host(_ name: String) throws(FleetProblem) -> HostDocument {
        guard let name = HostName(name), let host = hosts[name] else { throw Self.unknownHost }
        return document(of: host, name)
    }

    /// Hosts in order of their names.
    /// - Parameters:
    ///   - selector: which, by their labels, as for rollouts.
    ///   - state: `all`, `online`, `silent`, `drained` or `pinned`.
    ///   - name: the one after which the page begins; `nil` for the first page.
    ///   - limit: how many at most; no page has more than ``FleetLimits/hostPage``.
    package func hosts(
        of selector: String = "all", in state: String = "all", after name: String? = nil, limit: Int
    ) throws(FleetProblem) -> HostListDocument {
        let (selector, filter) = (try Self.selector(selector), try Self.filter(state))
        let limit = min(max(1, limit), FleetLimits.hostPage)
        var page: [HostDocument] = []
        for name in hosts.names(after: try name.map(Self.place)) {
            guard let host = hosts[name], fits(host, name, filter), selector.matches(name, labels: host.labels) else {
                continue
            }
            if page.count == limit { return HostListDocument(hosts: page, next: page.last?.name) }
            page.append(document(of: host, name))
        }
        return HostListDocument(hosts: page, next: nil)
    }

    /// Keeps a host out of all rollouts, or lets it take part again.
    /// - Returns: the host as it was, and as it is.
    package func drain(_ host: String, _ isDrained: Bool) async throws -> (before: HostDocument, after: HostDocument) {
        try await want(of: host) { $0.isDrained = isDrained }
    }

    /// Keeps a host at the version that it has of a line, or lets it follow rollouts again.
    /// - Returns: the host as it was, and as it is.
    package func pin(
        _ host: String, to line: String, _ isPinned: Bool
    ) async throws -> (before: HostDocument, after: HostDocument) {
        try await want(of: host) { host in
            if isPinned { host.pinnedLines.insert(line) } else { host.pinnedLines.remove(line) }
        }
    }

    private func want(
        of host: String, _ wish: (inout StoredHost) -> Void
    ) async throws -> (before: HostDocument, after: HostDocument) {
        guard let name = HostName(host) else { throw Self.unknownHost }
        try await learn(of: host)
        let before = try self.host(host)
        try await change(name, wish)
        // What is stored holds; should a rollout not hear of it now, it does later.
        try? await tellRollouts(of: name)
        listeners.note(name)
        listeners.tell()
        return (before, try self.host(host))
    }

    /// Takes in a host that was enrolled and has not been in touch since.
    package func learn(of host: String) async throws {
        guard let stored = try await storage.host(host), stored.revoked == nil else { throw Self.unknownHost }
        hosts.take(stored)
    }

    static var unknownHost: FleetProblem {
        FleetProblem(
            status: 404, code: .unknownHost, detail: "No such host is enrolled: “drover fleet list” shows them.")
    }

    /// How often it is stored when hosts were heard of, which is told after a restart.
    private static let lifeInterval = Span.minutes(5)

    /// Stores when hosts were heard of, now and then.
    func storeLives() async throws {
        if let livesStoredAt, now.since(livesStoredAt) < Self.lifeInterval { return }
        let (from, time) = (livesStoredAt, now)
        var times: [String: Int64] = [:]
        for name in hosts.names {
            guard let heard = presence.lastHeard(name), from.map({ $0 <= heard }) ?? true else { continue }
            times["\(name)"] = heard.milliseconds / 1000
        }
        if !times.isEmpty { try await storage.noteHeard(times) }
        livesStoredAt = time
    }

    private static func place(_ cursor: String) throws(FleetProblem) -> HostName {
        guard let name = HostName(cursor) else {
            throw FleetProblem(
                status: 400, code: .badCursor,
                detail: "That is no place in the list: take “next” of the page before as it is.")
        }
        return name
    }

    private static func selector(_ text: String) throws(FleetProblem) -> HostSelector {
        guard text.utf8.count <= FleetLimits.expressionBytes else {
            throw FleetProblem(
                status: 400, code: .malformed, detail: "The selector is too long: ask for fewer hosts at a time.")
        }
        do { return try HostSelector(text) } catch {
            throw FleetProblem(status: 400, code: .malformed, detail: error.description)
        }
    }

    private static func filter(_ state: String) throws(FleetProblem) -> HostFilter {
        guard let filter = HostFilter(rawValue: state) else {
            let known = HostFilter.allCases.map(\.rawValue).joined(separator: ", ")
            throw FleetProblem(
                status: 400, code: .malformed, detail: "Hosts are asked for by one of these states: \(known).")
        }
        return filter
    }

    private func fits(_ host: KnownHosts.Host, _ name: HostName, _ filter: HostFilter) -> Bool {
        switch filter {
        case .all: true
        case .online: isOnline(host, name)
        case .silent: !isOnline(host, name)
        case .drained: host.isDrained
        case .pinned: !host.pinnedLines.isEmpty
        }
    }

    /// Whether it was heard of lately. Right after a start that is told by what was stored, so that nobody is shown who is
    /// long gone.
    func isOnline(_ host: KnownHosts.Host, _ name: HostName) -> Bool {
        guard presence.isHeard(name), let heard = presence.lastHeard(name) ?? host.lastHeard else { return false }
        return now.since(heard) <= Self.silenceLimit + Self.lifeInterval
    }

    private func document(of host: KnownHosts.Host, _ name: HostName) -> HostDocument {
        HostDocument(
            name: "\(name)", labels: host.labels, enrolled: host.enrolled.text, isOnline: isOnline(host, name),
            lastHeard: (presence.lastHeard(name) ?? host.lastHeard)?.text, isDrained: host.isDrained,
            pinned: host.pinnedLines.sorted(), facts: host.facts)
    }
}
