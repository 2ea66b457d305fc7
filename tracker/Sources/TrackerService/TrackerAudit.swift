// SPDX-License-Identifier: Apache-2.0

import AuditTrail
import FleetProtocol
import HTTPTypes
import Logging
import OperatorAccess
import Synchronization
import TrackerStorage

/// Writes down what was done at the tracker, and what was refused.
final class TrackerAudit: Sendable {
    /// Refusals that are written down in a minute. What strangers try more often is counted, so that they cannot fill
    /// the disk.
    static let refusalsPerMinute = 100

    private let storage: any AuditStorage
    private let logger: Logger
    private let refusals = Mutex(RefusalCount())

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
        var record = record(route, context, outcome: outcome, time)
        if context.requester == .anonymous {
            let (isCounted, missed) = refusals.withLock { $0.count(at: time) }
            guard isCounted else { return }
            if missed > 0 { record.after = "\(missed) refusals before this were not written down" }
        }
        let noted = record
        try await undisturbed { storage in _ = try await storage.appendAudit(noted) }
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

/// Counts refusals in minutes.
struct RefusalCount {
    private var minute: Int64 = 0
    private var count = 0
    private var missed = 0

    /// - Returns: whether one more is written down, and how many were not since the last one that was.
    mutating func count(at time: Int64) -> (isCounted: Bool, missed: Int) {
        if time / 60 != minute { (minute, count) = (time / 60, 0) }
        guard count < TrackerAudit.refusalsPerMinute else {
            missed += 1
            return (false, 0)
        }
        count += 1
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
