// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import RolloutCore
package import TrackerStorage

/// The fleet as the tracker runs it: its rollouts, and which hosts are there. What a rollout decides is stored before
/// anybody hears of it; one decision is made after another.
package actor Fleet {
    let storage: any StorageEngine
    /// Names the tracker's data in the stamps of orders.
    let epoch: String
    private let clock: @Sendable () -> Int64
    /// The rollouts that have orders, or may have them again, by number.
    var rollouts: [UInt64: Rollout] = [:]
    var latestNumber: UInt64 = 0
    var hosts = KnownHosts()
    var presence: HostPresence
    /// A number that was drawn and that no decision has used.
    private var drawn: UInt64?
    private var turns = Turns()
    var listeners = ChangeListeners()

    /// A host that is not heard of for so long is offline.
    static let silenceLimit = Span.minutes(5)
    /// How many rollouts of a line are kept in mind: the newest, and those whose masters hosts keep.
    static let rolloutsPerLine = 3

    /// - Parameter clock: milliseconds since 1970.
    private init(storage: any StorageEngine, epoch: Epoch, clock: @escaping @Sendable () -> Int64) {
        self.storage = storage
        self.epoch = "\(epoch.number)-\(epoch.id.prefix(40))"
        self.clock = clock
        presence = HostPresence(limit: Self.silenceLimit)
    }

    /// The fleet as the storage has it.
    /// - Parameter epoch: the one that holds; another one than in the logs means that these are an older copy.
    package static func open(
        _ storage: any StorageEngine, epoch: Epoch, clock: @escaping @Sendable () -> Int64
    ) async throws -> Fleet {
        let fleet = Fleet(storage: storage, epoch: epoch, clock: clock)
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
        forget()
        let aside = Set(rollouts.values.flatMap { $0.hosts.filter { $0.state == .deferredOffline }.map(\.name) })
        for name in hosts.names { presence.watch(name, at: now, isSilent: aside.contains(name)) }
        for number in rollouts.keys.sorted() {
            guard let rollout = rollouts[number] else { continue }
            try await decide(.restored(epoch: epoch), number)
            try await decide(.resumed(after: now.since(rollout.latest)), number)
            try await replaceOlder(than: number)
        }
    }

    /// What a log says.
    /// - Returns: `nil` when there is no such rollout.
    func fold(_ number: UInt64) async throws -> Rollout? {
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
    package func sweep() async throws {
        for name in presence.newlySilent(at: now) { try await decide(.silent(name)) }
        for (number, rollout) in rollouts.sorted(by: { $0.key < $1.key }) {
            if let deadline = rollout.nextDeadline, deadline <= now { try await decide(.tick, number) }
        }
    }

    /// Lets time pass until the surrounding task is cancelled.
    /// - Parameter onFailure: told when the storage fails; what was to be done is tried again a little later.
    package func run(onFailure: @Sendable (any Error) -> Void) async {
        while !Task.isCancelled {
            do { try await sweep() } catch { onFailure(error) }
            let next = rollouts.values.compactMap(\.nextDeadline).min().map { $0.since(now).milliseconds } ?? 10_000
            try? await Task.sleep(for: .milliseconds(min(max(next, 50), 10_000)))
        }
    }

    /// What concerns all rollouts alike.
    func decide(_ input: RolloutInput) async throws {
        for number in rollouts.keys.sorted() { try await decide(input, number) }
    }

    /// The only way to change a rollout: the events are stored, and then they are so.
    @discardableResult
    func decide(
        _ input: RolloutInput, _ number: UInt64, by actor: Actor = .tracker, request: String? = nil,
        reason: String? = nil
    ) async throws -> Bool {
        try await inTurn {
            guard var rollout = self.rollouts[number] else { return false }
            let events = try rollout.decide(
                input, at: self.now, order: try await self.nextOrder(), by: actor, request: request, reason: reason)
            guard !events.isEmpty else { return false }
            let before = rollout.sequence
            for event in events { try rollout.apply(event) }
            try await self.store(events, number, after: before, isOpen: rollout.mayHaveOrders)
            self.rollouts[number] = rollout
            return true
        }
    }

    /// Adds a rollout that was planned.
    func create(_ plan: RolloutPlan, by actor: Actor, request: String?) async throws -> UInt64 {
        try await inTurn {
            let number = self.latestNumber + 1
            let events = try Rollout.create(
                number: number, epoch: self.epoch, plan: plan, seed: UInt64.random(in: 0...(.max)),
                order: try await self.nextOrder(), at: self.now, by: actor, request: request)
            guard let rollout = try Rollout.fold(events) else { return number }
            try await self.store(events, number, after: 0, isOpen: true)
            self.rollouts[number] = rollout
            self.latestNumber = number
            return number
        }
    }

    private func store(_ events: [RolloutEvent], _ number: UInt64, after sequence: UInt64, isOpen: Bool) async throws {
        let bytes = try events.map(EventCoding.bytes)
        _ = try await storage.append(bytes, to: "\(number)", expecting: Int(sequence), leavingOpen: isOpen)
        drawn = nil
    }

    private func nextOrder() async throws -> UInt64 {
        if let drawn { return drawn }
        let number = UInt64(max(0, try await storage.drawNumber()))
        drawn = number
        return number
    }

    /// A rollout that has begun takes the place of those before it of its line.
    func replaceOlder(than number: UInt64) async throws {
        guard let rollout = rollouts[number], rollout.hasBegun else { return }
        let line = rollout.target.master.line
        for (other, older) in rollouts.sorted(by: { $0.key < $1.key }) where older.target.master.line == line {
            if other < number { try await decide(.superseded(by: number), other) }
        }
        forget()
    }

    /// Rollouts that are over and long replaced leave memory; they can be read again.
    private func forget() {
        for (_, line) in Dictionary(grouping: rollouts.values, by: { $0.target.master.line }) {
            let newestFirst = line.sorted { $0.number > $1.number }
            for rollout in newestFirst.dropFirst(Self.rolloutsPerLine) where rollout.phase.isTerminal {
                // Hosts must not be given an order that is older than one they know.
                let isOldest = newestFirst.first.map { rollout.latestOrder < $0.createdOrder } ?? false
                if isOldest { rollouts[rollout.number] = nil }
            }
        }
    }

    private func inTurn<Outcome: Sendable>(_ body: () async throws -> Outcome) async throws -> Outcome {
        if !turns.begin() { await withCheckedContinuation { turns.wait($0) } }
        defer {
            turns.end()
            listeners.tell()
        }
        return try await body()
    }
}

extension Rollout {
    /// Whether it has, or may get, orders that hosts must know of after a restart.
    fileprivate var mayHaveOrders: Bool { phase != .rejected && phase != .aborted }

    fileprivate var hasBegun: Bool {
        switch phase {
        case .draft, .planned, .awaitingApproval, .rejected, .aborted, .superseded: false
        case .scheduled, .staging, .canary, .rolling, .rollingBack, .succeeded, .succeededWithExceptions, .rolledBack:
            true
        }
    }
}
