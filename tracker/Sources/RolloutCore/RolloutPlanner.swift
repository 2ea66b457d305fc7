// SPDX-License-Identifier: Apache-2.0

/// Decides who takes part in a rollout, in which wave, and how long it would take. The same fleet gives the same plan.
package struct RolloutPlanner: Sendable {
    private let target: RolloutTarget
    private let settings: RolloutSettings

    /// The most canaries that are chosen without being asked for.
    private static let automaticCanaries = 5

    package init(target: RolloutTarget, settings: RolloutSettings) {
        self.target = target
        self.settings = settings
    }

    /// The plan for the hosts that the target's selector means; of two hosts of one name the first counts.
    package func plan(_ fleet: [FleetHost]) -> RolloutPlan {
        var seen: Set<HostName> = []
        let hosts = fleet.filter {
            target.selector.matches($0.name, labels: $0.labels) && seen.insert($0.name).inserted
        }
        var problems = settings.faults.map(PlanProblem.settings)
        if hosts.count > RolloutLimits.hosts { problems.append(.tooManyHosts(hosts.count)) }
        if hosts.isEmpty { problems.append(.noHosts(target.selector)) }
        guard problems.isEmpty else { return plan(waves: [], aside: [], prediction: nil, problems) }

        let ready = Self.spread(hosts.filter { assess($0).standing == .ready })
        let aside = hosts.map(assess).filter { $0.standing != .ready }.sorted { $0.name < $1.name }
        guard !ready.isEmpty else {
            let problem = PlanProblem.nothingToDo(
                already: aside.count { $0.standing == .already }, offline: aside.count { $0.standing == .offline },
                blocked: aside.count { if case .blocked = $0.standing { true } else { false } })
            return plan(waves: [], aside: aside, prediction: nil, [problem])
        }
        let canaries = canaries(ready, problems: &problems)
        let others = ready.filter { host in !canaries.contains { $0.name == host.name } }
        let waves = [canaries] + parted(others, problems: &problems)
        return plan(
            waves: waves.map { $0.map(assess) }, aside: aside,
            prediction: problems.isEmpty ? predict(waves) : nil, problems)
    }

    /// How one host stands, and what it would fetch.
    func assess(_ host: FleetHost) -> PlannedHost {
        let version = target.master.version
        let isHeld = host.held.contains(version)
        let standing: PlannedHost.Standing =
            if host.active == version {
                .already
            } else if let reason = obstacle(host, isHeld: isHeld) {
                .blocked(reason: reason)
            } else if !host.isOnline {
                .offline
            } else {
                .ready
            }
        return PlannedHost(
            name: host.name, standing: standing, previous: host.returnVersion,
            bytesToMove: isHeld || standing == .already ? 0 : target.imageBytes)
    }

    private func obstacle(_ host: FleetHost, isHeld: Bool) -> BlockReason? {
        if let reason = host.keptOut { return reason }
        if host.denied.contains(target.master.version), !settings.clearsDenials { return .denied }
        if let least = target.followsAtLeast, let active = host.active, active < least { return .incompatible }
        let (needed, overflow) = target.imageBytes.addingReportingOverflow(
            settings.headroom(ofCapacity: host.capacityBytes))
        return !isHeld && (overflow || host.freeBytes < needed) ? .noSpace : nil
    }

    /// In the order in which hosts are taken: those that are well and idle first, and of each rack one after another, so
    /// that no wave takes a whole rack while others wait.
    private static func spread(_ hosts: [FleetHost]) -> [FleetHost] {
        var taken: [String: Int] = [:]
        var places: [(isLast: Bool, round: Int, host: FleetHost)] = []
        for host in hosts.sorted(by: { $0.name < $1.name }) {
            let isLast = !host.isHealthy || host.isBusy
            let round = taken["\(isLast) \(host.labels["rack"] ?? "")", default: 0]
            taken["\(isLast) \(host.labels["rack"] ?? "")"] = round + 1
            places.append((isLast, round, host))
        }
        return places.sorted { left, right in
            guard left.isLast == right.isLast else { return right.isLast }
            guard left.round == right.round else { return left.round < right.round }
            return left.host.name < right.host.name
        }.map(\.host)
    }

    private func canaries(_ ready: [FleetHost], problems: inout [PlanProblem]) -> [FleetHost] {
        switch settings.canaries {
        case .automatic: return Array(ready.prefix(min(Self.automaticCanaries, max(1, ready.count / 100))))
        case .count(let count): return Array(ready.prefix(count))
        case .named(let names):
            let canaries = names.compactMap { name in ready.first { $0.name == name } }
            for name in names where !canaries.contains(where: { $0.name == name }) {
                problems.append(.canaryUnavailable(name))
            }
            return canaries
        }
    }

    private func parted(_ hosts: [FleetHost], problems: inout [PlanProblem]) -> [[FleetHost]] {
        guard !hosts.isEmpty else { return [] }
        let spec = settings.waves ?? .standard
        var (sizes, left) = spec.sizes(for: hosts.count)
        if settings.waves == nil {
            sizes.removeAll { $0 == 0 }
        } else if let empty = sizes.firstIndex(of: 0) {
            problems.append(.emptyWave(empty + 1, spec: spec, hosts: hosts.count))
        }
        if sizes.count >= RolloutLimits.waves {
            problems.append(.tooManyWaves)
        } else if left > 0 {
            problems.append(.hostsLeft(left, spec: spec))
        }
        var rest = hosts[...]
        return sizes.map { size in
            defer { rest = rest.dropFirst(size) }
            return Array(rest.prefix(size))
        }
    }

    private func predict(_ waves: [[FleetHost]]) -> RolloutPlan.Prediction {
        let moving = waves.joined().filter { !$0.held.contains(target.master.version) }
        let slowest = Double(max(1, moving.map(\.linkRate).min() ?? 1)) * Double(settings.stageRatePercent) / 100
        let seconds = moving.isEmpty ? 0 : Double(target.imageBytes) / slowest * 1.25
        let staging = Span(milliseconds: Int64(min(seconds * 1000, 1e15)))
        var (earliest, latest) = (staging, staging)
        for (number, hosts) in waves.enumerated() where !hosts.isEmpty {
            let soak = number == 0 ? settings.canarySoak : settings.waveSoak
            let probes = settings.probing == .everyHost || (settings.probing == .canaries && number == 0)
            let step = settings.silenceLimit + settings.activateLimit + (probes ? settings.probeLimit : .zero)
            let rounds = (hosts.count + settings.slots - 1) / max(1, settings.slots)
            earliest = earliest + soak
            latest = latest + step * rounds + soak + settings.silenceLimit
        }
        return RolloutPlan.Prediction(staging: staging, earliest: earliest, latest: latest)
    }

    private func plan(
        waves: [[PlannedHost]], aside: [PlannedHost], prediction: RolloutPlan.Prediction?, _ problems: [PlanProblem]
    ) -> RolloutPlan {
        RolloutPlan(
            target: target, settings: settings, waves: waves, aside: aside, prediction: prediction, problems: problems)
    }
}
