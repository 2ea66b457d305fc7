// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import FleetProtocol
import HTTPTypes
import Logging
package import OperatorAccess
import Synchronization
import TrackerStorage

/// Writes down what was done at the tracker, and what was refused.
final class TrackerAudit: Sendable {
    private let storage: any AuditStorage
    private let logger: Logger
    private let refusals = Mutex(RefusalCounts())
    private let refused = Atomic<UInt64>(0)

    /// Requests that were refused at the door since the start, those included that the trail does not hold.
    var refusedCount: UInt64 { refused.load(ordering: .relaxed) }

    init(storage: any AuditStorage, logger: Logger) {
        self.storage = storage
        self.logger = logger
    }

    /// A change was made, and the record of it could not be finished. What was noted before becomes one when the tracker
    /// starts the next time.
    struct Gap: Error {
        let refusal = APIError(
            .internalServerError, .auditFailed,
            "It was done, but could not be written to the audit trail; see to the tracker's disk before going on.")
    }

    /// Notes a request that is about to change something.
    func begin(_ route: RouteTable.Route, _ context: TrackerContext, at time: Int64) async throws(StorageError) -> Int64
    {
        try await storage.beginAudit(record(route, context, outcome: "begun", time))
    }

    /// Puts the request's one record in the note's place.
    func finish(
        _ note: Int64, _ route: RouteTable.Route, _ context: TrackerContext, outcome: String, at time: Int64
    ) async throws(Gap) {
        let record = record(route, context, outcome: outcome, time)
        try await undisturbed { storage in _ = try await storage.finishAudit(note, record) }
    }

    /// Adds the record of a request that was refused at the door.
    func note(
        _ route: RouteTable.Route, _ context: TrackerContext, outcome: String, at time: Int64
    ) async throws(Gap) {
        refused.wrappingAdd(1, ordering: .relaxed)
        var record = record(route, context, outcome: outcome, time)
        let (isCounted, missed) = refusals.withLock { $0.count(of: context.requester, at: time) }
        guard isCounted else { return }
        if missed > 0 { record.after = "\(missed) refusals before this were not written down" }
        let (noted, logger) = (record, logger)
        try await undisturbed { storage in
            guard try await storage.appendRefusal(noted) == nil else { return }
            logger.error(
                "audit trail is nearly full, refusals are no longer written down; move old records with `audit archive`"
            )
        }
    }

    private func record(
        _ route: RouteTable.Route, _ context: TrackerContext, outcome: String, _ time: Int64
    ) -> AuditRecord {
        AuditRecord(
            at: time, actor: context.requester.actor, action: route.action ?? "\(route.method.rawValue) \(route.path)",
            subject: context.subject(of: route), before: context.note.before, after: context.note.after,
            outcome: outcome, origin: context.observedHost.map { "\($0)" }, request: context.requestID)
    }

    /// Writes in a task of its own: a client that goes away ends its request, and not the record of it.
    private func undisturbed(
        _ write: @escaping @Sendable (any AuditStorage) async throws -> Void
    ) async throws(Gap) {
        do {
            try await Task { [storage] in try await write(storage) }.value
        } catch {
            logger.error("audit trail cannot be written", metadata: ["error": "\(error)"])
            throw Gap()
        }
    }
}

/// Counts refusals in minutes, of each requester apart: whoever is let in may ask for what it may not do as often as
/// strangers may.
package struct RefusalCounts {
    /// Refusals of strangers that are written down in a minute. What they try more often is counted, so that they cannot
    /// fill the trail.
    package static let perMinute = 100
    /// The same for each host and each token.
    package static let perRequester = 10
    /// Requesters that are told apart in a minute; those beyond count as one.
    package static let requesterLimit = 4096

    private var minute: Int64 = 0
    private var counts: [String: Int] = [:]
    private var missed = 0

    package init() {}

    /// - Returns: whether one more is written down, and how many were not since the last one that was.
    package mutating func count(of requester: Requester, at time: Int64) -> (isCounted: Bool, missed: Int) {
        if time / 60 != minute { (minute, counts) = (time / 60, [:]) }
        let isKnown = counts[requester.actor] != nil || counts.count < Self.requesterLimit
        let key = isKnown ? requester.actor : ""
        let limit =
            requester == .anonymous || !isKnown ? Self.perMinute : Self.perRequester
        guard counts[key, default: 0] < limit else {
            missed += 1
            return (false, 0)
        }
        counts[key, default: 0] += 1
        defer { missed = 0 }
        return (true, missed)
    }
}

/// What a handler adds to the record of its request.
package final class AuditNote: Sendable {
    private struct State {
        var subject: String?
        var before: String?
        var after: String?
    }

    private let state = Mutex(State())
    /// For announces, which are not audited and are too many to have one each.
    static let unheard = AuditNote()

    /// - Parameters:
    ///   - subject: what it was done to, where the path does not say.
    ///   - before, after: how that was before and is after, in a few words.
    package func set(subject: String? = nil, before: String? = nil, after: String? = nil) {
        state.withLock { state in
            state.subject = subject ?? state.subject
            state.before = before ?? state.before
            state.after = after ?? state.after
        }
    }

    var subject: String? { state.withLock { $0.subject } }
    var before: String? { state.withLock { $0.before } }
    var after: String? { state.withLock { $0.after } }
}
