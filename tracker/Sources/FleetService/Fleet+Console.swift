// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol
import RolloutCore
import TrackerStorage

/// A host's place in a rollout, for those who look on.
package struct RolloutPlace: Sendable {
    package let host: String
    package let wave: Int
    package let state: String
    /// UTC, in the form `2026-01-31T12:00:00Z`.
    package let since: String
    /// Why it failed or is blocked.
    package let code: String?
    /// Whether what failed there has left a log.
    package let hasLog: Bool
}

/// Something that happened in a rollout, in words.
package struct RolloutNews: Sendable {
    package let rollout: UInt64
    package let at: String
    package let by: String
    package let text: String
}

/// What goes on at a host, and how fast it was before.
package struct HostGlance: Sendable {
    package let host: String
    package let rack: String?
    package let activity: HostActivity
    /// Where it said it from: an address without a port.
    package let origin: String?
    /// Oldest first; seconds since 1970. Only where one host is asked about.
    package let samples: [(seconds: Double, down: UInt64, up: UInt64)]
}

/// Who has a master.
package struct MasterSpread: Sendable {
    package internal(set) var held = 0
    /// Of those that hold it, the hosts that are heard of.
    package internal(set) var heldOnline = 0
    package internal(set) var active = 0
    package internal(set) var clones = 0
}

/// All that takes a walk over all hosts.
package struct FleetLook: Sendable {
    package let measures: FleetMeasures
    /// What goes on at hosts, as they last said, in order of their names.
    package let glances: [HostGlance]
    /// Who has which masters, by `NAME@VERSION`.
    package let spread: [String: MasterSpread]
    /// Hosts with less space than a rollout leaves free by its defaults, in order of their names.
    package let short: [String]
    /// Another one when something has changed since that pages show.
    package let fingerprint: [UInt64]
}

/// What the console looks at. Nothing of it is kept or changed.
extension Fleet {
    /// Goes through all hosts, which takes milliseconds where there are thousands.
    package func look() async -> FleetLook {
        // What changes meanwhile counts as a change after it.
        let fingerprint = fingerprint()
        return FleetLook(
            measures: await measures(), glances: glances(), spread: spread(), short: shortOfSpace(),
            fingerprint: fingerprint)
    }

    /// Hosts of a rollout that are shown at most.
    private static let placesShown = 500

    /// Rollouts that are not over, the newest first, or else the last one.
    package func currentRollouts(limit: Int) async throws -> [RolloutStatusDocument] {
        let open = rollouts.values.filter { !$0.phase.isTerminal }.map(\.number).sorted(by: >)
        var statuses: [RolloutStatusDocument] = []
        for number in open.prefix(limit) { statuses.append(try await status(number)) }
        if statuses.isEmpty, latestNumber > 0 { statuses.append(try await status(latestNumber)) }
        return statuses
    }

    /// Hosts of a rollout that failed, are blocked or were taken back, the newest trouble first.
    package func troubled(in number: UInt64) async throws -> [RolloutPlace] {
        guard let rollout = try await kept(number) else { return [] }
        let logs = Set(try await storage.attachments(of: "\(number)"))
        return rollout.hosts.filter(\.isTroubled).sorted { $1.since < $0.since }.prefix(Self.placesShown)
            .map { RolloutPlace($0, logs) }
    }

    /// Hosts of a rollout in order of their names.
    /// - Parameters:
    ///   - wave: of this one alone, from 0.
    ///   - state: in this one alone.
    ///   - name: the one after which the page begins.
    /// - Returns: `limit` of them at most, and the name after which the next page begins, if there is one.
    package func places(
        in number: UInt64, wave: Int?, state: String?, after name: String?, limit: Int
    ) async throws -> (places: [RolloutPlace], next: String?) {
        guard let rollout = try await kept(number) else { return ([], nil) }
        let logs = Set(try await storage.attachments(of: "\(number)"))
        let fitting = rollout.hosts.filter { host in
            (wave ?? host.wave) == host.wave && (state ?? host.state.kind.rawValue) == host.state.kind.rawValue
                && (name.map { $0 < "\(host.name)" } ?? true)
        }.sorted { $0.name < $1.name }
        let places = fitting.prefix(max(1, limit)).map { RolloutPlace($0, logs) }
        return (places, fitting.count > places.count ? places.last?.host : nil)
    }

    /// Logs of which a page shows the end, lines that it shows, and bytes in which they are looked for.
    private static let excerpts = 8
    private static let excerptLines = 4
    private static let excerptBytes = 2048

    /// How the logs of hosts end, by host: of the first few alone.
    package nonisolated func excerpts(of number: UInt64, _ hosts: [String]) async throws -> [String: String] {
        var excerpts: [String: String] = [:]
        for host in hosts.prefix(Self.excerpts) {
            guard let log = try await storage.attachment(named: Self.logName(host), of: "\(number)") else { continue }
            excerpts[host] = Self.excerpt(of: log)
        }
        return excerpts
    }

    /// The last lines of a log that say something.
    package static func excerpt(of log: [UInt8]) -> String {
        String(decoding: log.suffix(excerptBytes), as: UTF8.self).split(whereSeparator: \.isNewline)
            .filter { !$0.allSatisfy(\.isWhitespace) }.suffix(excerptLines).joined(separator: "\n")
    }

    /// What happened last in a rollout, the newest first, as far back as is read at once.
    package func moments(of number: UInt64, limit: Int) async throws -> [RolloutNews] {
        guard let rollout = try await kept(number) else { return [] }
        return try await moments(of: number, upTo: Int(rollout.sequence), limit: limit, windows: Self.windows) {
            $0.words
        }
    }

    /// What happened last to a host in the newest rollouts, the newest first, as far back as is read at once.
    package func moments(about host: String, limit: Int) async throws -> [RolloutNews] {
        guard let name = HostName(host) else { return [] }
        var moments: [RolloutNews] = []
        for rollout in rollouts.values.sorted(by: { $0.number > $1.number }).prefix(Self.rolloutsOfHost)
        where rollout.host(name) != nil && moments.count < limit {
            moments += try await self.moments(
                of: rollout.number, upTo: Int(rollout.sequence), limit: limit - moments.count,
                windows: Self.windowsOfHost
            ) { $0.words(about: name) }
        }
        return moments
    }

    /// Progress fills most of a log and says nothing here. It is read beside the actor, so that it keeps nobody waiting.
    /// - Parameter words: what is said of a transition; `nil` for one that is passed over.
    private nonisolated func moments(
        of number: UInt64, upTo last: Int, limit: Int, windows: Int, _ words: (Transition) -> String?
    ) async throws -> [RolloutNews] {
        var moments: [RolloutNews] = []
        var end = last
        for _ in 0..<windows where end > 0 && moments.count < limit {
            let start = max(0, end - Self.windowLength)
            var events: [RolloutEvent] = []
            var after: Int? = start
            while let place = after, place < end {
                let page = try await storage.events(of: "\(number)", after: place, limit: end - place)
                for stored in page.elements { events.append(try EventCoding.event(stored.bytes)) }
                after = page.next
            }
            for event in events.reversed() where moments.count < limit {
                guard let text = words(event.transition) else { continue }
                let reason = event.reason.map { " (\($0))" } ?? ""
                moments.append(
                    RolloutNews(rollout: number, at: event.at.text, by: "\(event.actor)", text: text + reason))
            }
            end = start
        }
        return moments
    }

    /// Events that are read at once, and how often.
    private static let windowLength = 200
    private static let windows = 10
    /// The same for one host, and rollouts that are read for it.
    private static let windowsOfHost = 4
    private static let rolloutsOfHost = 3

    /// What goes on at hosts, as they last said.
    package func glances() -> [HostGlance] {
        activities.current(at: now).map { host, entry in
            HostGlance(
                host: "\(host)", rack: hosts[host]?.labels["rack"], activity: entry.activity, origin: entry.origin,
                samples: [])
        }
    }

    /// What goes on at one host, and its rates before; `nil` when it never said.
    package func glance(_ host: String) -> HostGlance? {
        guard let name = HostName(host), let entry = activities[name] else { return nil }
        let isFresh = now.since(entry.at) <= HostActivities.freshness
        return HostGlance(
            host: host, rack: hosts[name]?.labels["rack"],
            activity: isFresh
                ? entry.activity : HostActivity(port: nil, down: 0, up: 0, fetches: [], neighbours: []),
            origin: entry.origin, samples: entry.samples.map { (Double($0.at.milliseconds) / 1000, $0.down, $0.up) })
    }

    /// What rollouts that are not over say of a host.
    package func reasons(for host: String) async -> [RolloutWhyDocument] {
        var reasons: [RolloutWhyDocument] = []
        for number in rollouts.values.filter({ !$0.phase.isTerminal }).map(\.number).sorted(by: >) {
            if let why = try? await why(number, host) { reasons.append(why) }
        }
        return reasons
    }

    /// Who has which masters, by `NAME@VERSION`.
    package func spread() -> [String: MasterSpread] {
        var spread: [String: MasterSpread] = [:]
        for name in hosts.names {
            let online = presence.isHeard(name) ? 1 : 0
            for line in hosts.facts(name)?.lines ?? [] {
                for version in line.held {
                    spread["\(line.name)@\(version)", default: MasterSpread()].held += 1
                    spread["\(line.name)@\(version)", default: MasterSpread()].heldOnline += online
                }
                if let active = line.active { spread["\(line.name)@\(active)", default: MasterSpread()].active += 1 }
                for clones in line.clones {
                    spread["\(line.name)@\(clones.version)", default: MasterSpread()].clones += clones.count
                }
            }
        }
        return spread
    }

    /// Hosts with less space than a rollout leaves free by its defaults, in order of their names.
    package func shortOfSpace() -> [String] {
        let settings = RolloutSettings()
        return hosts.names.filter { name in
            guard let facts = hosts.facts(name) else { return false }
            return facts.freeBytes < settings.headroom(ofCapacity: facts.capacityBytes)
        }.map(\.description)
    }

    /// Another one when something has changed that pages show.
    package func fingerprint() -> [UInt64] {
        let silent = hosts.names.count { !presence.isHeard($0) }
        let drained = hosts.names.count { hosts[$0]?.isDrained == true }
        return [
            rollouts.values.reduce(0) { $0 &+ $1.sequence }, latestNumber, UInt64(hosts.names.count), UInt64(silent),
            UInt64(drained),
            activities.version,
        ]
    }
}

extension RolloutPlace {
    /// - Parameter logs: the names of the logs that there are.
    fileprivate init(_ record: HostRecord, _ logs: Set<String>) {
        let code: String? =
            switch record.state {
            case .failed(let failure): failure.code.rawValue
            case .blocked(let reason): reason.rawValue
            case .timedOut(let step): "timed-out in \(step.rawValue)"
            default: record.lastFailure?.rawValue
            }
        self.init(
            host: "\(record.name)", wave: record.wave, state: record.state.kind.rawValue, since: record.since.text,
            code: code, hasLog: logs.contains(Fleet.logName("\(record.name)")))
    }
}

extension HostRecord {
    /// Whether somebody may want to look at it.
    fileprivate var isTroubled: Bool {
        switch state {
        case .failed, .timedOut, .blocked, .deferredOffline, .rolledBack: true
        default: false
        }
    }
}

extension Transition {
    /// What happened, for people; `nil` for what is of no interest by itself.
    fileprivate var words: String? {
        func some(_ names: [HostName]) -> String {
            names.count == 1 ? "\(names[0])" : "\(names.count) hosts"
        }
        return switch self {
        case .created: "it was made"
        case .planned(let waves, let aside):
            "\(waves.reduce(0) { $0 + $1.count }) hosts in \(waves.count) waves, \(aside.count) put aside"
        case .phase(let phase, _): "phase: \(phase.rawValue)"
        case .paused(let reason): "paused: \(reason.rawValue)"
        case .resumed: "resumed"
        case .held(let reason): "held: \(reason.rawValue)"
        case .lifted(let reason): "no longer held: \(reason.rawValue)"
        case .wave(let number, let state): "wave \(number + 1): \(state.rawValue)"
        case .hosts(let names, let state, _): "\(some(names)): \(state.kind.rawValue)"
        case .moved(let names, let wave): "\(some(names)) moved to wave \(wave + 1)"
        case .joined(let host): "\(host.name) joined"
        case .recounted(let names): "\(some(names)): tried again"
        case .extended(let names, let span): "\(some(names)): \(span.milliseconds / 1000) s more"
        case .shifted(let span): "everybody has \(span.milliseconds / 1000) s more"
        case .revoked: "the master was withdrawn"
        case .restored: "the tracker's data were restored"
        case .tolerated(_, let failures): "\(failures) failures are tolerated"
        case .progressed, .found, .noted: nil
        }
    }

    /// The same for one host; `nil` for what is not about it.
    fileprivate func words(about host: HostName) -> String? {
        switch self {
        case .hosts(let names, let state, _): names.contains(host) ? state.kind.rawValue : nil
        case .moved(let names, let wave): names.contains(host) ? "moved to wave \(wave + 1)" : nil
        case .joined(let planned): planned.name == host ? "joined" : nil
        case .recounted(let names): names.contains(host) ? "tried again" : nil
        case .extended(let names, let span): names.contains(host) ? "\(span.milliseconds / 1000) s more" : nil
        default: nil
        }
    }
}
