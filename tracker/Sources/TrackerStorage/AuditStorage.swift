// SPDX-License-Identifier: Apache-2.0

package import AuditTrail

/// The audit trail: records are added, and never changed. The oldest may be removed once they are kept elsewhere; the others
/// go on after them.
package protocol AuditStorage: Sendable {
    /// Adds a record at the end of the chain.
    /// - Returns: the record with its number.
    func appendAudit(_ record: AuditRecord) async throws(StorageError) -> AuditRecord
    /// Adds the record of a request that was refused, as long as enough room is left for those of changes.
    /// - Returns: `nil`, and nothing is added, when that is not so.
    func appendRefusal(_ record: AuditRecord) async throws(StorageError) -> AuditRecord?
    /// Notes what is about to be done, so that a record of it is left whatever happens.
    /// - Returns: the note's number, for ``finishAudit(_:_:)``.
    func beginAudit(_ record: AuditRecord) async throws(StorageError) -> Int64
    /// Adds the record of what came of it in the note's place.
    func finishAudit(_ note: Int64, _ record: AuditRecord) async throws(StorageError) -> AuditRecord
    /// To be called once when a tracker begins to serve: what an earlier one noted and did not finish becomes a record
    /// with this outcome.
    /// - Returns: how many there were.
    func settleAudit(outcome: String) async throws(StorageError) -> Int
    /// The trail's lines as ``AuditChain`` made them, without line feeds, from the one after number `number` on.
    func auditLines(after number: Int, limit: Int) async throws(StorageError) -> Page<String, Int>
    /// The chain at the last line that was removed, after which the trail goes on; `nil` when all lines are there.
    func auditBase() async throws(StorageError) -> AuditChain?
    /// Removes the oldest lines, which are kept elsewhere, and adds the record of it: both or neither. Others can write
    /// meanwhile.
    /// - Parameter base: the chain at the last line that goes.
    /// - Returns: `false`, and nothing is changed, when the trail has no such line.
    func removeAudit(upTo base: AuditChain, _ record: AuditRecord) async throws(StorageError) -> Bool
}

extension AuditStorage {
    /// Goes through the whole trail.
    /// - Parameters:
    ///   - archived: the chain over the lines that were removed, as their archives have it; `nil` to take their last hash as
    ///     it stands.
    ///   - visit: called with each record and the chain's head after it.
    /// - Returns: the chain at its end.
    /// - Throws: ``AuditChain/Break`` where somebody changed it; ``StorageError``.
    package func verifiedAudit(
        after archived: AuditChain? = nil, visit: (AuditRecord, AuditChain) throws -> Void = { _, _ in }
    ) async throws -> AuditChain {
        var chain = try await auditBase() ?? AuditChain()
        if let archived, archived != chain {
            throw AuditChain.Break(
                line: archived.count,
                reason: "ends the archives with another hash than line \(chain.count), after which the trail goes on")
        }
        var after: Int? = chain.count
        while let start = after {
            let page = try await auditLines(after: start, limit: StorageLimits.page)
            for line in page.elements { try visit(try chain.follow(line), chain) }
            after = page.next
        }
        return chain
    }
}
