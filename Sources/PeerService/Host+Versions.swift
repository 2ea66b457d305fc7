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
        let isUnsigned = order.unsigned && trust.root != nil
        try audited(
            "master.activate", "\(name)", before: before, outcome: isUnsigned ? "done without signatures" : "done"
        ) { () throws(HostFailure) in
            try checkNotRevoked(name)
            if trust.root != nil, !isUnsigned { try checkSigned(master, active: before) }
            try HostFailure.wrapping { try store.activate(name, clearingDenial: order.clearsDenial) }
        }
        return report(name.name)
    }

    func rollBack(_ line: String, reason: String) throws(HostFailure) -> ActiveReport {
        let before = store.activeVersions(of: line).current
        try audited("master.rollback", line, before: before) { () throws(HostFailure) in
            _ = try HostFailure.wrapping {
                try store.rollBack(line, reason: reason) { !self.trust.isRevoked($0) }
            }
        }
        return report(line)
    }

    func activeReports() -> [ActiveReport] { store.activeLines().map { report($0.name) } }

    /// Does something that somebody may have to answer for. That it was begun is on record before it is done, and what came
    /// of it afterwards, refusals too.
    func audited(
        _ action: String, _ subject: String, before: Int? = nil, outcome: String = "done",
        _ body: () throws(HostFailure) -> Void
    ) throws(HostFailure) {
        let line = String(subject.prefix { $0 != "@" })
        let was = before.map { "\(line)@\($0)" }
        do {
            try audit.add(action, subject, before: was, outcome: "begun")
        } catch {
            throw HostFailure(error.code, "\(error.message); nothing was done")
        }
        do {
            try body()
        } catch {
            try? audit.add(action, subject, before: was, after: was, outcome: error.message)
            throw error
        }
        let now = store.activeVersions(of: line).current.map { "\(line)@\($0)" }
        do {
            try audit.add(action, subject, before: was, after: now, outcome: outcome)
        } catch {
            throw HostFailure(.partial, "it was done, but \(error.message)")
        }
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
