// SPDX-License-Identifier: Apache-2.0

import ImageStore
import Metainfo
import Trust

/// Which versions this host may use, and which one a bare name means.
extension Host {
    /// Refuses a master that is not to be given to new clones: its publishers have withdrawn it.
    func checkNotRevoked(_ name: MasterName) throws(HostFailure) {
        guard trust.isRevoked(name) else { return }
        throw HostFailure(
            .verification,
            "\(name) was revoked by its publishers (\(TrustRefusal.Code.revoked.rawValue)); use another version")
    }

    func activate(_ order: HostRequest.Activate) throws(HostFailure) -> ActiveReport {
        let master = try HostFailure.wrapping { try find(order.master) }
        let name = master.name
        let before = store.activeVersions(of: name.name).current
        try audited("master.activate", "\(name)", before: before) { () throws(HostFailure) in
            try checkNotRevoked(name)
            try checkSigned(master, active: before, unsigned: order.unsigned)
            try HostFailure.wrapping { try store.activate(name, clearingDenial: order.clearsDenial) }
        }
        return report(name.name)
    }

    func rollBack(_ line: String, reason: String) throws(HostFailure) -> ActiveReport {
        let before = store.activeVersions(of: line).current
        try audited("master.rollback", line, before: before) { () throws(HostFailure) in
            _ = try HostFailure.wrapping { try store.rollBack(line, reason: reason) }
        }
        return report(line)
    }

    func activeReports() -> [ActiveReport] { store.activeLines().map { report($0.name) } }

    /// A host with pinned publishers activates only what they have signed, and what still holds.
    private func checkSigned(_ master: Master, active: Int?, unsigned: Bool) throws(HostFailure) {
        guard trust.root != nil, !unsigned else { return }
        guard let statement = trust.statement(of: master.name) else { throw .unsigned(master.name) }
        try trust.accept(
            statement: statement, of: master.name, hashes: master.infoHashes, size: master.size, active: active)
    }

    /// Does something that somebody may have to answer for: what came of it is in the audit trail, refusals too.
    func audited(
        _ action: String, _ subject: String, before: Int? = nil, _ body: () throws(HostFailure) -> Void
    ) throws(HostFailure) {
        // Before it is done, so that nothing is done that the trail cannot tell of.
        try audit.prepare()
        let line = String(subject.prefix { $0 != "@" })
        let was = before.map { "\(line)@\($0)" }
        do {
            try body()
        } catch {
            try? audit.add(action, subject, before: was, after: was, outcome: error.message)
            throw error
        }
        let now = store.activeVersions(of: line).current.map { "\(line)@\($0)" }
        try audit.add(action, subject, before: was, after: now)
    }

    private func report(_ line: String) -> ActiveReport {
        let versions = store.activeVersions(of: line)
        return ActiveReport(
            name: line, active: versions.current, previous: versions.previous,
            newest: store.masters().filter { $0.name.name == line }.map(\.name.version).max(),
            denied: versions.denied.map { ActiveReport.Denial(version: $0.version, at: $0.at, reason: $0.reason) })
    }
}

extension HostFailure {
    /// A host with pinned publishers was to use what they have not signed.
    static func unsigned(_ name: MasterName) -> HostFailure {
        HostFailure(
            .verification,
            "nobody has signed \(name), and this host uses what its publishers sign (\(TrustRefusal.Code.unsigned.rawValue)); "
                + "have it signed (`drover master sign`), or use it all the same with --unsigned, which is put on record"
        )
    }
}
