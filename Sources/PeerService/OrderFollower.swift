// SPDX-License-Identifier: Apache-2.0

import FleetAgent
import FleetProtocol
import FoundationEssentials
import ImageStore
import Logging
import Metainfo

/// Follows the orders of a tracker: asks for them, keeps them on disk, carries out what ``FleetAgent`` decides, and tells how
/// it goes, again and again. With the tracker away it goes on with what it has.
actor OrderFollower {
    /// The longest time in seconds for which the tracker may keep an answer back.
    private static let wait = 50
    /// The shortest time between two questions, whatever the tracker answers, and the longest between two attempts to
    /// reach it.
    private static let shortestPause = Duration.milliseconds(250)
    private static let longestPause = 60.0

    nonisolated let source: any OrderSource
    private let peer: Peer
    private let record: OrderRecord
    private let log: Logger
    private var agent: FleetAgent
    private var jobs: [String: Job] = [:]
    /// Events are heard one after another; this is the last of them.
    private var latest: Task<Void, Never>?
    /// Events whose outcome could not be kept and which nobody repeats; they are heard again before all later ones.
    private var unkept: [AgentEvent] = []
    /// Within what time the tracker must hear of this host again.
    private var contact = Duration.seconds(30)
    /// What the tracker knows of this host.
    private var lastFacts: HostFacts?
    /// Whether nothing went on here when the tracker was told last.
    private var wasIdle = true
    /// Which of the tracker's data its last orders were of.
    private var heardEpoch: String?
    private var contactAt: Date?
    private var problem: String?
    private let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// A step that is being carried out for a line of masters.
    private struct Job {
        let number: UInt64
        let task: Task<Void, Never>
        /// The newest order that it serves, and what is done for it.
        var order: FleetOrder
        let step: FleetOrder.Step
    }
    private var jobCount: UInt64 = 0
    /// Nothing more begins; what is left goes on with the next start.
    private var isEnding = false

    /// - Throws: ``HostFailure`` when what was ordered before cannot be read.
    init(_ peer: Peer, source: any OrderSource, log: Logger) throws(HostFailure) {
        self.peer = peer
        self.source = source
        self.log = log
        record = OrderRecord(peer.host.store.layout, peer.host.files, fleet: source.fleet)
        agent = try record.load()
    }

    /// Runs until the task is cancelled; nothing is under way then.
    func run() async {
        await hear(.started)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.ask() }
            group.addTask { await self.report() }
            group.addTask { await self.noticeActivity() }
        }
        // An event under way may still begin something.
        isEnding = true
        await latest?.value
        for job in jobs.values { job.task.cancel() }
        for job in jobs.values { await job.task.value }
        jobs = [:]
    }

    /// What was ordered, and how far it is.
    var state: OrdersReport {
        OrdersReport(agent, fleet: source.fleet, contactAt: contactAt.map { Int64($0.timeIntervalSince1970) }, problem)
    }

    /// Somebody has changed what the store stands at.
    func look() async { await hear(.looked) }

    /// Somebody says that the tracker's data are to be followed although they are others than before.
    func confirmEpoch(_ epoch: String?) async throws(HostFailure) {
        try agent.checkStrange(epoch)
        await hear(.epochConfirmed)
        // What it orders now was refused before.
        wake.yield()
    }

    // MARK: The tracker

    private func ask() async {
        var tag: String?
        var failures = 0
        while !Task.isCancelled {
            do {
                let orders = try await source.orders(after: tag, waiting: Self.wait)
                tag = orders.tag
                if failures > 0 {
                    log.info("orders are heard again")
                    // It may have been another tracker's start, or that of one with older data.
                    lastFacts = nil
                    wake.yield()
                }
                failures = 0
                await take(orders)
                try await Task.sleep(for: Self.shortestPause)
            } catch {
                if Task.isCancelled { return }
                failures += 1
                let reason = HostFailure(error).message
                problem = reason
                if failures == 1 { log.warning("no orders are heard", metadata: ["reason": "\(reason)"]) }
                // Thousands of hosts must not come back at once.
                let pause = min(Self.longestPause, Double(1 << min(failures, 6))) * Double.random(in: 0.5...1)
                try? await Task.sleep(for: .seconds(pause))
            }
        }
    }

    /// Tells how far this host is, at once when something has changed and often enough not to count as silent.
    private func report() async {
        wake.yield()
        var sign: Task<Void, Never>?
        defer { sign?.cancel() }
        // Ends with the task.
        for await _ in wakes {
            sign?.cancel()
            await tell()
            let pause = contact / 2
            sign = Task {
                do { try await Task.sleep(for: pause) } catch { return }
                await self.hear(.looked)
                self.wake.yield()
            }
        }
    }

    /// Tells the tracker soon when something begins to go on here: who serves others has no order that would say so.
    private func noticeActivity() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.look)
            if wasIdle, await peer.activity() != nil { wake.yield() }
        }
    }

    private static let look = Duration.seconds(5)

    private func tell() async {
        let facts = await peer.facts()
        let activity = await peer.activity()
        wasIdle = activity == nil
        let notice = HostNotice(
            reports: agent.reports, facts: facts == lastFacts ? nil : facts, activity: activity)
        do {
            let orders = try await source.tell(notice)
            if let facts { lastFacts = facts }
            await take(orders)
        } catch {
            // It is said again with the next sign of life. The tracker may be another one by then, which knows no facts.
            lastFacts = nil
            if !Task.isCancelled { problem = HostFailure(error).message }
        }
    }

    private func take(_ orders: HostOrders) async {
        contactAt = Date()
        problem = nil
        if let epoch = orders.orders.first?.stamp.epoch, epoch != heardEpoch {
            // With other data the tracker knows other facts.
            if heardEpoch != nil {
                lastFacts = nil
                wake.yield()
            }
            heardEpoch = epoch
        }
        let before = contact
        contact = .seconds(max(1, orders.contactSeconds))
        // The next sign of life would come too late.
        if contact < before { wake.yield() }
        await hear(.ordered(orders))
    }

    // MARK: Carrying out

    /// Events are heard in the order in which they came.
    private func hear(_ event: AgentEvent) async {
        let before = latest
        let task = Task {
            await before?.value
            await self.handle(event)
        }
        latest = task
        await task.value
    }

    private func handle(_ event: AgentEvent) async {
        var events = unkept + (unkept.contains(event) ? [] : [event])
        while let next = events.first, await isTaken(next) { events.removeFirst() }
        unkept = events.filter(\.isToldOnce)
    }

    /// - Returns: whether what follows from it was kept, and is done.
    private func isTaken(_ event: AgentEvent) async -> Bool {
        let views = await peer.lineViews(of: Set(agent.lines.keys).union(event.lines))
        var next = agent
        let effects = next.handle(event) { views[$0] ?? LineView() }
        if next.durable != agent.durable {
            do { try await peer.host.blocking { [record, next] in try record.save(next) } } catch {
                // Nothing is done that would be forgotten. It is tried again with the next event, at the latest the next
                // sign of life; the tracker repeats its orders.
                let reason = HostFailure(error).message
                if unkept.isEmpty { log.error("orders cannot be kept", metadata: ["reason": "\(reason)"]) }
                problem = reason
                return false
            }
        }
        if let strange = next.strangeEpoch, strange != agent.strangeEpoch {
            log.warning(
                "the tracker's data are others than before and are not followed: see `drover host orders`",
                metadata: ["epoch": "\(strange)"])
        }
        agent = next
        for effect in effects { carryOut(effect) }
        return true
    }

    private func carryOut(_ effect: AgentEffect) {
        switch effect {
        case .report: wake.yield()
        case .stop(let line):
            guard let job = jobs[line] else { return }
            // The next step of the line begins when this one has ended.
            job.task.cancel()
            guard job.step == .stage else { return }
            begin(.nothing, job.order) { [peer] _ in
                await peer.stopStaging(job.order)
                return nil
            }
        case .stage(let order): begin(.stage, order) { [peer] in await peer.carryOut(effect, progress: $0) }
        case .activate(let order): begin(.activate, order) { [peer] in await peer.carryOut(effect, progress: $0) }
        case .probe(let order): begin(.probe, order) { [peer] in await peer.carryOut(effect, progress: $0) }
        case .rollBack(let order): begin(.rollBack, order) { [peer] in await peer.carryOut(effect, progress: $0) }
        }
    }

    /// Begins a step, unless it is under way for an earlier order of the same kind.
    private func begin(
        _ step: FleetOrder.Step, _ order: FleetOrder,
        _ work: @escaping @Sendable (@escaping OrderProgress) async -> AgentEvent.Outcome?
    ) {
        guard !isEnding else { return }
        let line = order.master.name
        let before = jobs[line]
        if let before, before.step == step, before.order.serves(order), !before.task.isCancelled {
            jobs[line]?.order = order
            return
        }
        log.info("an order is carried out", metadata: ["step": "\(step)", "master": "\(order.master)"])
        // What puts an end to a step comes to its own.
        if let before, before.step != .nothing { before.task.cancel() }
        jobCount += 1
        let number = jobCount
        let task = Task {
            await before?.task.value
            guard !Task.isCancelled, let outcome = await work({ await self.went(line, number, $0) }) else {
                return self.end(line, number)
            }
            await self.went(line, number, outcome, isEnd: true)
        }
        jobs[line] = Job(number: number, task: task, order: order, step: step)
    }

    private func went(_ line: String, _ number: UInt64, _ outcome: AgentEvent.Outcome, isEnd: Bool = false) async {
        guard let job = jobs[line], job.number == number, !job.task.isCancelled else { return }
        if case .failed(let code, _) = outcome {
            log.warning(
                "an order could not be carried out",
                metadata: ["step": "\(job.step)", "master": "\(job.order.master)", "code": "\(code)"])
        }
        // What follows may begin the next step of the line, which does not wait for the end of this one.
        if isEnd { end(line, number) }
        await hear(.went(line: line, job.order.stamp, outcome))
    }

    private func end(_ line: String, _ number: UInt64) {
        if jobs[line]?.number == number { jobs[line] = nil }
    }
}

/// Told how a step goes while it is carried out.
typealias OrderProgress = @Sendable (AgentEvent.Outcome) async -> Void

extension FleetOrder {
    /// Whether what is done for this order does for another one as well.
    fileprivate func serves(_ other: FleetOrder) -> Bool {
        master == other.master && infoHash == other.infoHash && previous == other.previous
    }
}

extension FleetAgent {
    /// Refuses to confirm what was not seen.
    /// - Parameter epoch: the one that somebody has looked at; `nil` for whichever waits.
    func checkStrange(_ epoch: String?) throws(HostFailure) {
        guard let strangeEpoch else {
            throw HostFailure(.notFound, "no change of the tracker's data waits for confirmation")
        }
        guard epoch ?? strangeEpoch == strangeEpoch else {
            throw HostFailure(
                .conflict, "the tracker's data are \(strangeEpoch) by now; look again: drover host orders")
        }
    }
}

extension AgentEvent {
    /// Whether nobody says it again: orders are repeated, how far a step is too, and what the store says can be seen.
    fileprivate var isToldOnce: Bool {
        switch self {
        case .ordered, .looked, .went(_, _, .staging), .went(_, _, .verifying): false
        case .started, .epochConfirmed, .went: true
        }
    }

    /// The lines that it is about.
    fileprivate var lines: [String] {
        switch self {
        case .ordered(let orders): orders.orders.map(\.master.name)
        case .went(let line, _, _): [line]
        case .started, .epochConfirmed, .looked: []
        }
    }
}
