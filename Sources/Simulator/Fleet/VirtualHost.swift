// SPDX-License-Identifier: Apache-2.0

import RolloutCore

/// A host as the tracker sees it: it keeps the newest order it has heard as its own, carries it out by its own clock, and
/// says with each sign of life how far it is.
struct VirtualHost {
    let name: HostName
    let imageBytes: UInt64
    let trouble: FleetScenario.Trouble?
    let clockRate: Double
    private(set) var isUp = true
    private(set) var upSince: Instant
    /// When it comes back after its power went; `nil` for never.
    private(set) var returnsAt: Instant?
    private(set) var active: UInt64?
    private(set) var denied: Set<UInt64> = []
    private(set) var held: Set<UInt64>
    private(set) var order: HostOrder?
    /// Verified bytes of the version that the order is about.
    private var bytes: UInt64 = 0
    private var polledAt: Instant
    /// When the step that it is in is done.
    private var doneAt: Instant?
    private var isProbePassed = false
    private var failure: (step: HostStep, code: FailureCode)?
    private var failuresLeft: Int
    private var hasDied = false
    private var isGone = false
    private var activeSince: Instant?
    /// Whether going back failed on it, and it was not asked again since.
    private(set) var cannotGoBack = false

    init(_ host: FleetScenario.Host, imageBytes: UInt64, at now: Instant) {
        name = host.facts.name
        self.imageBytes = imageBytes
        trouble = host.trouble
        clockRate = host.clockRate
        active = host.facts.active
        held = host.facts.held
        isUp = host.facts.isOnline
        polledAt = now
        upSince = now
        failuresLeft = if case .fails(_, _, let times) = host.trouble { times } else { 0 }
    }

    /// The order that came back; an older one than it has is none.
    mutating func take(_ order: HostOrder, at now: Instant) {
        if let known = self.order?.stamp, order.stamp.epoch != known.epoch || order.stamp.order < known.order { return }
        if order.master != self.order?.master { bytes = 0 }
        if order.stamp != self.order?.stamp {
            doneAt = nil
            failure = nil
            isProbePassed = false
            if order.clearsDenial { denied.remove(order.master.version) }
        }
        self.order = order
    }

    /// It is there again, with what was on its disk.
    mutating func comesBack(at now: Instant) {
        guard !isGone else { return }
        isUp = true
        upSince = now
        polledAt = now
        doneAt = nil
    }

    /// It goes away for good.
    mutating func goAway() {
        isUp = false
        returnsAt = nil
        isGone = true
    }

    /// It goes away, or is there again.
    mutating func toggle(at now: Instant) {
        if isUp || isGone { isUp = false } else { comesBack(at: now) }
    }

    var isFlapping: Bool { if case .flaps = trouble { !isGone } else { false } }

    /// Lets time pass on the host, and says what it has to report.
    mutating func poll(at now: Instant, full: Bool) -> HostReport? {
        let passed = Double(now.since(polledAt).milliseconds) * clockRate / 1000
        polledAt = now
        guard isUp, let order else { return nil }
        let progress: HostReport.Progress? =
            switch order.step {
            case .nothing: nil
            case .stage: stage(passed, order, full: full, at: now)
            case .activate, .probe:
                held.contains(order.master.version)
                    ? activate(order, at: now) : stage(passed, order, full: full, at: now)
            case .rollBack: goBack(order, at: now)
            }
        guard isUp, let progress else { return nil }
        return HostReport(host: name, version: order.master.version, stamp: order.stamp, progress: progress)
    }

    private mutating func stage(
        _ seconds: Double, _ order: HostOrder, full: Bool, at now: Instant
    ) -> HostReport.Progress? {
        let version = order.master.version
        if held.contains(version) { return .staged }
        if full { return .failed(.noSpace, log: nil) }
        var rate = 37.5e6
        if case .isSlow(let factor) = trouble { rate /= factor }
        let next = min(imageBytes, bytes + UInt64(rate * seconds))
        if case .stops(let part) = trouble, Double(next) > part * Double(imageBytes) { return .staging(bytes: bytes) }
        bytes = next
        if bytes > imageBytes / 2, meets(.staging, at: now) { return failed() }
        guard bytes == imageBytes else { return .staging(bytes: bytes) }
        if meets(.verifying, at: now) { return failed() }
        guard isDone(after: 5, at: now) else { return .verifying }
        held.insert(version)
        return .staged
    }

    private mutating func activate(_ order: HostOrder, at now: Instant) -> HostReport.Progress? {
        let version = order.master.version
        if denied.contains(version) { return .rolledBack }
        if active != version {
            if meets(.activating, at: now) { return failed() }
            guard isDone(after: 3, at: now) else { return .activating }
            doneAt = nil
            active = version
            activeSince = now
            return .activated
        }
        if case .returnsAlone(let span) = trouble, let activeSince, now >= activeSince + span {
            active = order.previous
            denied.insert(version)
            return .rolledBack
        }
        if order.isProbed, !isProbePassed {
            if meets(.probing, at: now) { return failed() }
            guard isDone(after: 60, at: now) else { return .activated }
            isProbePassed = true
        }
        if order.isProbed { return .probePassed }
        return meets(.soaking, at: now) ? failed() : .healthy
    }

    private mutating func goBack(_ order: HostOrder, at now: Instant) -> HostReport.Progress? {
        let version = order.master.version
        denied.insert(version)
        if active == version {
            cannotGoBack = meets(.rollingBack, at: now)
            if cannotGoBack { return failed() }
            guard isDone(after: 2, at: now) else { return nil }
            active = order.previous
        }
        return .rolledBack
    }

    /// Whether trouble was waiting in this step: the host is down now, or has something to report.
    private mutating func meets(_ step: HostStep, at now: Instant) -> Bool {
        switch trouble {
        case .dies(step, let returnsAfter) where !hasDied:
            hasDied = true
            isUp = false
            returnsAt = returnsAfter.map { now + $0 }
            return true
        case .fails(step, let code, _):
            if failure == nil, failuresLeft > 0 {
                failuresLeft -= 1
                failure = (step, code)
            }
            return failure != nil
        default: return false
        }
    }

    private func failed() -> HostReport.Progress? {
        guard let failure else { return nil }
        return failure.step == .probing
            ? .probeFailed(failure.code, log: "serial") : .failed(failure.code, log: "journal")
    }

    /// Whether what takes so many seconds, by the host's clock, is done.
    private mutating func isDone(after seconds: Double, at now: Instant) -> Bool {
        guard let doneAt else {
            self.doneAt = now + Span(milliseconds: Int64(seconds * 1000 / clockRate))
            return false
        }
        return now >= doneAt
    }
}
