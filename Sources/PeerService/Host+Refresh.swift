// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import ImageStore
import Metainfo

/// Clones of old masters that are put on the active one.
extension Host {
    /// - Parameters:
    ///   - line: the name of the line of masters, without a version.
    ///   - dryRun: whether to say only what would be done.
    func refreshClones(of line: String, dryRun: Bool, isCancelled: () -> Bool) throws -> RefreshReport {
        let master = try store.master(of: line)
        try checkClonable(master, unsigned: false)
        let image = try image(of: master.name)
        let old = clones.list().filter { $0.master.name == line && ($0.master != master.name || $0.next != nil) }
        var report = RefreshReport(master: "\(master.name)", clones: [])
        for clone in old {
            if isCancelled() { throw CancellationError() }
            var entry = RefreshReport.Entry(clone: clone.name.text, from: "\(clone.master)", outcome: .refreshed)
            entry.outcome = .running
            do throws(CloneError) {
                try clones.checkStopped(clone.name)
                entry.outcome = dryRun ? .wouldBe : .refreshed
                if !dryRun { try clones.refresh(clone.name, from: masterAsItIs(clone.master), to: image) }
            } catch {
                if error.kind != .conflict || entry.outcome != .running { entry.outcome = .failed }
                entry.reason = error.description
            }
            report.clones.append(entry)
        }
        return report
    }

    /// Brings refreshes to their end that a crash cut off. What cannot be finished now is said by the clone's health.
    func finishRefreshes(isCancelled: () -> Bool) {
        for clone in clones.interrupted {
            if isCancelled() { return }
            guard let next = clone.next, let image = try? image(of: next) else { continue }
            try? clones.refresh(clone.name, from: masterAsItIs(clone.master), to: image)
        }
    }
}

/// What was done about the clones of a line that hang on other versions than the active one.
package struct RefreshReport: Codable, Equatable, Sendable {
    package enum Outcome: String, Codable, Sendable {
        case refreshed
        case wouldBe = "would be refreshed"
        /// A machine has it open, so it was left alone.
        case running
        case failed
    }

    package struct Entry: Codable, Equatable, Sendable {
        package var clone: String
        /// `NAME@VERSION`.
        package var from: String
        package var outcome: Outcome
        /// One sentence, when it was not refreshed.
        package var reason: String?
    }

    /// The active version, `NAME@VERSION`.
    package var master: String
    package var clones: [Entry]
}
