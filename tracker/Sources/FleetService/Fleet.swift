// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import RolloutCore
package import TrackerStorage
package import Trust

/// The fleet as the tracker runs it: its rollouts, and which hosts are there. What a rollout decides is stored before
/// anybody hears of it; one decision is made after another.
package actor Fleet {
    let storage: any StorageEngine
    /// Names the tracker's data in the stamps of orders.
    let epoch: String
    /// The publishers whose words hold or end rollouts; nobody's when `nil`.
    let root: TrustRoot?
    private let clock: @Sendable () -> Int64
    /// The rollouts that have orders, or may have them again, by number.
    var rollouts: [UInt64: Rollout] = [:]
    var latestNumber: UInt64 = 0
    var hosts = KnownHosts()
    var presence: HostPresence
    /// Hosts whose facts are stored, and not every rollout was told of them yet.
    var untold: Set<HostName> = []
    /// Hosts of whose silence not every rollout could be told.
    var halfSilent: Set<HostName> = []
    /// When time was last looked at, and what rollouts have not been told of time in which nobody did.
    private var timedAt: Instant?
    private var untoldGaps: [UInt64: Span] = [:]
    /// When what is kept elsewhere in the storage was looked at.
    var lookedAt: Instant?
    /// What goes on at hosts, for those who look on.
    var activities = HostActivities()
    /// What watchers were told last of each rollout.
    var shown: [UInt64: RolloutStatusDocument] = [:]
    /// When it was stored when hosts were heard of.
    var livesStoredAt: Instant?
    /// A number that was drawn and that no decision has used.
    private var drawn: UInt64?
    private var turns = Turns()
    var listeners = ChangeListeners()

    /// A host that is not heard of for so long is offline, for all but the rollouts, which have limits of their own.
    static let silenceLimit = Span.minutes(5)
    /// Time is looked at every ten seconds at most. In so long a time without, the tracker itself was not there: its machine
    /// was suspended, its disk hung, or its clock was set.
    static let longestGap = Span.seconds(60)
    /// How many rollouts of a line are kept in mind: the newest, and those whose masters hosts keep.
    package static let rolloutsPerLine = 3

    /// - Parameter clock: milliseconds since 1970.
    private init(
        storage: any StorageEngine, epoch: Epoch, root: TrustRoot?, clock: @escaping @Sendable () -> Int64
    ) {
        self.storage = storage
        self.root = root
        self.epoch = "\(epoch.number)-\(epoch.id.prefix(40))"
        self.clock = clock
        presence = HostPresence(limit: Self.silenceLimit)
    }

    /// The fleet as the storage has it.
    /// - Parameters:
    ///   - epoch: the one that holds; another one than in the logs means that these are an older copy.
    ///   - root: the publishers whose words about masters count here.
    package static func open(
        _ storage: any StorageEngine, epoch: Epoch, root: TrustRoot? = nil, clock: @escaping @Sendable () -> Int64
    ) async throws -> Fleet {
        let fleet = Fleet(storage: storage, epoch: epoch, root: root, clock: clock)
        try await fleet.load()
        return fleet
    }

    var now: Instant { Instant(milliseconds: clock()) }

    private func load() async throws {
        var next: String?
        repeat {
            let page = try await storage.hosts(after: next, limit: StorageLimits.page)
            for host in page.elements where host.revoked == nil { hosts.take(host) }
            next = page.next
        } while next != nil
        var after: Int64?
        repeat {
            let page = try await storage.rollouts(after: after, onlyOpen: false, limit: StorageLimits.page)
            for stored in page.elements {
                latestNumber = max(latestNumber, UInt64(stored.id) ?? 0)
                guard stored.isOpen, let number = UInt64(stored.id) else { continue }
                rollouts[number] = try await fold(number)
            }
            after = page.next
        } while after != nil
        await forget()
        let aside = Set(rollouts.values.flatMap { $0.hosts.filter { $0.state == .deferredOffline }.map(\.name) })
        for name in hosts.names { presence.watch(name, at: now, isSilent: aside.contains(name)) }
        let ends = rollouts.mapValues(\.latest)
        // What outside holds comes first, so that nothing begins that may not.
        try await lookOutside()
        for (number, end) in ends.sorted(by: { $0.key < $1.key }) {
            try await decide(.restored(epoch: epoch), number)
            try await decide(.resumed(after: now.since(end)), number)
            try await replaceOlder(than: number)
            try await catchUp(number)
        }
    }

    /// Tells a rollout what is known of hosts and may not have reached it before the process ended.
    private func catchUp(_ number: UInt64) async throws {
        guard let rollout = rollouts[number], !rollout.phase.isTerminal else { return }
        for record in rollout.hosts where !hosts.isKnown(record.name) { try await decide(.left(record.name), number) }
        for name in hosts.names {
            let isOnline = presence.isHeard(name, within: rollout.settings.silenceLimit)
            let host = hosts.host(name, line: rollout.target.master.line, isOnline: isOnline)
            if let host { try await take(host, number) }
        }
    }

    /// What is known of a host, for a rollout.
    func take(_ host: FleetHost, _ number: UInt64) async throws {
        // A rollout that has its full number of hosts goes on without this one.
        do { try await decide(.host(host), number) } catch Refusal.tooManyHosts {}
    }

    /// What a log says. It is read beside the actor, so that a long one keeps nobody waiting.
    /// - Returns: `nil` when there is no such rollout.
    nonisolated func fold(_ number: UInt64) async throws -> Rollout? {
        var log: [RolloutEvent] = []
        var after: Int? = 0
        while let start = after {
            let page = try await storage.events(of: "\(number)", after: start, limit: StorageLimits.page)
            for event in page.elements { log.append(try EventCoding.event(event.bytes)) }
            after = page.next
        }
        return try Rollout.fold(log)
    }

    /// Lets time pass: who became silent, whose time is up.
    /// - Throws: the first of what failed; the rest was done, and this is tried again the next time.
    package func sweep() async throws {
        var failure = FirstFailure()
        await failure.attempt { try await noteGap() }
        await failure.attempt { try await lookOutside() }
        // That may have taken its time.
        await failure.attempt { try await noteGap() }
        let limits = Set(rollouts.values.lazy.filter { !$0.phase.isTerminal }.map(\.settings.silenceLimit))
        for overdue in presence.overdue(at: now, limits: limits) {
            await failure.attempt { try await noteSilence(overdue) }
        }
        for (number, rollout) in rollouts.sorted(by: { $0.key < $1.key }) {
            guard let deadline = rollout.nextDeadline, deadline <= now, untoldGaps[number] == nil else { continue }
            await failure.attempt { try await decide(.tick, number) }
        }
        for name in untold.sorted() { await failure.attempt { try await tellRollouts(of: name) } }
        await failure.attempt { try await storeLives() }
        try failure.check()
    }

    /// Tells the rollouts whose limit a host's silence has passed.
    private func noteSilence(_ overdue: HostPresence.Overdue) async throws {
        activities.noteSilence(of: overdue.host)
        halfSilent.insert(overdue.host)
        try await decide(.silent(overdue.host)) { overdue.limits.contains($0.settings.silenceLimit) }
        for limit in overdue.limits { presence.noteSilent(overdue.host, for: limit) }
        halfSilent.remove(overdue.host)
    }

    /// Time that passed while the tracker was not there is held against nobody, as it is after a start.
    private func noteGap() async throws {
        let (before, now) = (timedAt, now)
        timedAt = now
        if let before, now.since(before) > Self.longestGap {
            presence.beginAnew(at: now)
            for number in rollouts.keys { untoldGaps[number] = (untoldGaps[number] ?? .zero) + now.since(before) }
        }
        var failure = FirstFailure()
        for (number, gap) in untoldGaps.sorted(by: { $0.key < $1.key }) {
            await failure.attempt {
                if rollouts[number] != nil { try await decide(.resumed(after: gap), number) }
                untoldGaps[number] = nil
            }
        }
        try failure.check()
    }

    /// Lets time pass until the surrounding task is cancelled.
    /// - Parameter onFailure: told when the storage fails; what was to be done is tried again a little later.
    package func run(onFailure: @Sendable (any Error) -> Void) async {
        while !Task.isCancelled {
            var least: Int64 = 50
            do { try await sweep() } catch {
                onFailure(error)
                least = 5000
            }
            let next = rollouts.values.compactMap(\.nextDeadline).min().map { $0.since(now).milliseconds } ?? 10_000
            try? await Task.sleep(for: .milliseconds(min(max(next, least), 10_000)))
        }
    }

    /// What concerns all rollouts alike, or those that it is `meant` for. One that fails keeps it from no other one.
    func decide(_ input: RolloutInput, meant: (Rollout) -> Bool = { _ in true }) async throws {
        var failure = FirstFailure()
        for (number, _) in rollouts.filter({ meant($0.value) }).sorted(by: { $0.key < $1.key }) {
            await failure.attempt { try await decide(input, number) }
        }
        try failure.check()
    }

    /// The only way to change a rollout: the events are stored, and then they are so.
    @discardableResult
    func decide(
        _ input: RolloutInput, _ number: UInt64, by actor: Actor = .tracker, request: String? = nil,
        reason: String? = nil
    ) async throws -> Bool {
        try await inTurn {
            guard var rollout = try await self.recalled(number) else { return false }
            let (order, hosts, line) = (try await self.nextOrder(), self.hosts, rollout.target.master.line)
            let events = try rollout.decide(
                input, at: self.now, order: order, by: actor, request: request, reason: reason
            ) { hosts.keptOut($0, of: line) }
            guard !events.isEmpty else { return false }
            let before = rollout.sequence
            for event in events { try rollout.apply(event) }
            do {
                try await self.store(events, number, after: before, isOpen: rollout.mayHaveOrders)
            } catch let error as StorageError {
                // What was reported as not stored may have been stored after all.
                if case .sequenceMoved = error { self.rollouts[number] = try await self.fold(number) }
                throw error
            }
            self.rollouts[number] = rollout
            return true
        }
    }

    /// A rollout of which a decision is to be made: also one that was over and had left memory.
    private func recalled(_ number: UInt64) async throws -> Rollout? {
        if let rollout = rollouts[number] { return rollout }
        guard number <= latestNumber, var rollout = try await fold(number) else { return nil }
        // Hosts tell by the epoch that its orders follow from these data.
        let events = try rollout.decide(.restored(epoch: epoch), at: now, order: try await nextOrder())
        if !events.isEmpty {
            let before = rollout.sequence
            for event in events { try rollout.apply(event) }
            try await store(events, number, after: before, isOpen: rollout.mayHaveOrders)
        }
        rollouts[number] = rollout
        return rollout
    }

    /// Adds a rollout that was planned.
    /// - Returns: its number and plan; those of an earlier one when the request was carried out before.
    func create(
        _ plan: RolloutPlan, by actor: Actor, request: String?
    ) async throws -> (number: UInt64, plan: RolloutPlan) {
        try await inTurn {
            if let earlier = try await self.creation(request, by: actor) {
                guard earlier.plan.target == plan.target, earlier.plan.settings == plan.settings else {
                    throw Self.keyOfAnother
                }
                return earlier
            }
            let number = self.latestNumber + 1
            let events = try Rollout.create(
                number: number, epoch: self.epoch, plan: plan, seed: UInt64.random(in: 0...(.max)),
                order: try await self.nextOrder(), at: self.now, by: actor, request: request)
            guard let rollout = try Rollout.fold(events) else { return (number, plan) }
            try await self.store(events, number, after: 0, isOpen: true)
            self.rollouts[number] = rollout
            self.latestNumber = number
            return (number, plan)
        }
    }

    private func store(_ events: [RolloutEvent], _ number: UInt64, after sequence: UInt64, isOpen: Bool) async throws {
        let bytes = try events.map(EventCoding.bytes)
        _ = try await storage.append(bytes, to: "\(number)", expecting: Int(sequence), leavingOpen: isOpen)
        drawn = nil
        listeners.note(events)
    }

    private func nextOrder() async throws -> UInt64 {
        if let drawn { return drawn }
        let number = UInt64(max(0, try await storage.drawNumber()))
        drawn = number
        return number
    }

    /// A rollout that has begun takes the place of those before it of its line.
    func replaceOlder(than number: UInt64) async throws {
        guard let rollout = rollouts[number], rollout.replacesOlder else { return }
        let line = rollout.target.master.line
        for (other, older) in rollouts.sorted(by: { $0.key < $1.key }) where older.target.master.line == line {
            if other < number { try await decide(.superseded(by: number), other) }
        }
        await forget()
    }

    /// Rollouts that are over and long replaced leave memory; they can be read again, and are not read at each start.
    private func forget() async {
        var forgotten: [Rollout] = []
        for (_, line) in Dictionary(grouping: rollouts.values, by: { $0.target.master.line }) {
            let newestFirst = line.sorted { $0.number > $1.number }
            for rollout in newestFirst.dropFirst(Self.rolloutsPerLine) where rollout.phase.isTerminal {
                // Hosts must not be given an order that is older than one they know.
                let isOldest = newestFirst.first.map { rollout.latestOrder < $0.createdOrder } ?? false
                if isOldest { forgotten.append(rollout) }
            }
        }
        for rollout in forgotten { (rollouts[rollout.number], shown[rollout.number]) = (nil, nil) }
        for rollout in forgotten {
            // One that cannot be closed now, or was taken up again meanwhile, is read at the next start as before.
            _ = try? await storage.append(
                [], to: "\(rollout.number)", expecting: Int(rollout.sequence), leavingOpen: false)
        }
    }

    /// One after another, and hosts hear of it afterwards.
    func inTurn<Outcome: Sendable>(_ body: () async throws -> Outcome) async throws -> Outcome {
        if !turns.begin() { await withCheckedContinuation { turns.wait($0) } }
        defer {
            turns.end()
            listeners.tell()
        }
        return try await body()
    }
}

extension Rollout {
    /// Whether it has, or may get, orders that hosts must know of after a restart: what was begun has, however it ended.
    fileprivate var mayHaveOrders: Bool { hasBegun || !phase.isTerminal }

    /// Whether older ones of its line make way.
    fileprivate var replacesOlder: Bool {
        switch phase {
        case .draft, .planned, .awaitingApproval, .rejected, .aborted, .superseded: false
        case .scheduled, .staging, .canary, .rolling, .rollingBack, .succeeded, .succeededWithExceptions, .rolledBack:
            true
        }
    }
}
