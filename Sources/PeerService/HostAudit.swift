// SPDX-License-Identifier: Apache-2.0

package import AuditTrail
import FileLayer
import Glibc
import ImageStore
import Synchronization

/// The trail of what was done on this host that somebody may have to answer for: `audit.log` in the store.
package final class HostAudit: Sendable {
    /// The longest file in bytes. A longer one gets a number after its name, and a new trail begins whose first record has
    /// the old one's last hash.
    package static let byteLimit = 16 << 20

    private let path: String
    private let files: any FileAccess
    private let clock: @Sendable () -> Int64
    private let state = Mutex<State?>(nil)

    private struct State {
        var chain: AuditChain
        var file: any OpenFile
        var end: Int64
    }

    init(_ layout: StoreLayout, _ files: any FileAccess, clock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) })
    {
        path = "\(layout.root)/audit.log"
        self.files = files
        self.clock = clock
    }

    /// Adds a record and makes it durable. What has to be audited is not done when this throws.
    package func add(
        _ action: String, _ subject: String, before: String? = nil, after: String? = nil, outcome: String = "done"
    ) throws(HostFailure) {
        let record = AuditRecord(
            at: clock(), actor: "local", action: action, subject: subject, before: before, after: after,
            outcome: outcome)
        do {
            try state.withLock { current in
                do {
                    var state = try current ?? open()
                    if state.end > Self.byteLimit { state = try rotate(state) }
                    try append(record, to: &state)
                    current = state
                } catch {
                    // What is on disk now is found out by reading it again.
                    current = nil
                    throw error
                }
            }
        } catch {
            throw HostFailure(.failed, "the audit trail cannot be written (\(error))")
        }
    }

    private func append(_ record: AuditRecord, to state: inout State) throws {
        let line = Array(state.chain.append(record).line.utf8)
        try line.withUnsafeBytes { try state.file.write($0, at: state.end) }
        try state.file.sync()
        state.end += Int64(line.count)
    }

    private func rotate(_ state: State) throws -> State {
        var number = 1
        while try files.status("\(path).\(number)") != nil { number += 1 }
        try files.rename(path, to: "\(path).\(number)")
        try files.syncDirectory(path.parentDirectory)
        var fresh = try open()
        try append(
            AuditRecord(
                at: clock(), actor: "local", action: "audit.continue", subject: "\(path).\(number)",
                before: state.chain.head), to: &fresh)
        return fresh
    }

    /// The records, oldest first, and where the trail was broken, if it was: records after that prove nothing.
    package func records() throws(HostFailure) -> (records: [AuditRecord], problem: String?) {
        do {
            return try state.withLock { _ in
                guard try files.status(path) != nil else { return ([], nil) }
                let read = try read()
                return (read.records, read.problem)
            }
        } catch {
            throw HostFailure(.failed, "the audit trail cannot be read: \(error)")
        }
    }

    /// Opens the trail and goes to its end. A line that a crash cut off was never acknowledged, and goes.
    private func open() throws -> State {
        let read = try files.status(path) == nil ? (records: [], problem: nil, chain: AuditChain(), end: 0) : read()
        if let problem = read.problem { throw HostFailure(.verification, "\(path) was changed: \(problem)") }
        let file = try files.open(path, .createOrUpdate)
        try file.truncate(to: read.end)
        try files.setMode(path, 0o600)
        try files.syncDirectory(path.parentDirectory)
        return State(chain: read.chain, file: file, end: read.end)
    }

    private func read() throws -> (records: [AuditRecord], problem: String?, chain: AuditChain, end: Int64) {
        // The record that crosses the limit is still in it.
        let bytes = try files.contents(of: path, limit: Self.byteLimit + AuditChain.lineLimit)
        var chain = AuditChain()
        var records: [AuditRecord] = []
        var end = 0
        while let feed = bytes[end...].firstIndex(of: 0x0a) {
            do throws(AuditChain.Break) {
                records.append(try chain.follow(String(decoding: bytes[end..<feed], as: UTF8.self)))
            } catch {
                return (records, error.description, chain, Int64(end))
            }
            end = feed + 1
        }
        return (records, nil, chain, Int64(end))
    }
}
