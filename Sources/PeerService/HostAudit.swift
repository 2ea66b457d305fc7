// SPDX-License-Identifier: Apache-2.0

package import AuditTrail
import FileLayer
import Glibc
import ImageStore
import Synchronization

/// The trail of what was done on this host that somebody may have to answer for: `audit.log` in the store.
package final class HostAudit: Sendable {
    /// The longest trail that is read, in bytes. A longer one is moved away by whoever keeps it.
    package static let byteLimit = 256 << 20

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
        _ action: String, _ subject: String, before: String? = nil, after: String? = nil, actor: String = "local",
        outcome: String = "done"
    ) throws(HostFailure) {
        do {
            try state.withLock { current in
                var state = try current ?? open()
                let record = AuditRecord(
                    at: clock(), actor: actor, action: action, subject: subject, before: before, after: after,
                    outcome: outcome)
                let line = Array(state.chain.append(record).line.utf8)
                try line.withUnsafeBytes { try state.file.write($0, at: state.end) }
                try state.file.sync()
                state.end += Int64(line.count)
                current = state
            }
        } catch {
            throw HostFailure(.failed, "the audit trail cannot be written (\(error)); nothing was done")
        }
    }

    /// Makes sure that the trail is whole and can be written.
    func prepare() throws(HostFailure) {
        do {
            try state.withLock { current in current = try current ?? open() }
        } catch {
            throw HostFailure(.failed, "the audit trail cannot be written (\(error)); nothing was done")
        }
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
        let bytes = try files.contents(of: path, limit: Self.byteLimit)
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
