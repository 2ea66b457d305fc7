// SPDX-License-Identifier: Apache-2.0

import AuditTrail
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

    /// A change was made, and could not be written down.
    struct Gap: Error {
        let refusal = APIError(
            .internalServerError, "audit_failed",
            "It was done, but could not be written to the audit trail; see to the tracker's disk before going on.")
    }

    /// Adds one record of a request.
    /// - Throws: ``Gap`` when it cannot be written.
    func note(
        _ route: RouteTable.Route, _ context: TrackerContext, outcome: String, at time: Int64
    ) async throws(Gap) {
        var record = AuditRecord(
            at: time, actor: context.requester.actor, action: route.action ?? "\(route.method.rawValue) \(route.path)",
            subject: context.subject(of: route), before: context.note.before, after: context.note.after,
            outcome: outcome, origin: context.observedHost.map { "\($0)" }, request: context.requestID)
        if context.requester == .anonymous, outcome != "done" {
            let (isCounted, missed) = refusals.withLock { $0.count(at: time) }
            guard isCounted else { return }
            if missed > 0 { record.after = "\(missed) refusals before this were not written down" }
        }
        try await add(record)
    }

    /// Adds a record of something that the tracker did by itself.
    func note(_ record: AuditRecord) async throws(Gap) { try await add(record) }

    private func add(_ record: AuditRecord) async throws(Gap) {
        do throws(StorageError) {
            _ = try await storage.appendAudit(record)
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
