// SPDX-License-Identifier: Apache-2.0

import Metainfo
import RolloutCore
import TrackerProtocol
import TrackerStorage
import Trust

/// What holds or ends things from outside: windows, what publishers say of masters, and hosts that were shut out.
extension Fleet {
    /// How often what is kept elsewhere in the storage is looked at.
    private static let lookInterval = Span.seconds(30)

    /// Brings to all rollouts what has changed outside since this was done last.
    func lookOutside() async throws {
        let isDue = lookedAt.map { now >= $0 + Self.lookInterval } ?? true
        var failure = FirstFailure()
        for number in rollouts.keys.sorted() {
            await failure.attempt { try await lookAtWindows(of: number) }
            if isDue { await failure.attempt { try await lookAtWords(about: number) } }
        }
        if isDue { await failure.attempt { try await lookAtHosts() } }
        try failure.check()
        if isDue { lookedAt = now }
    }

    /// The same for one rollout and at once: before something is begun.
    func lookOutside(for number: UInt64) async throws {
        try await lookAtWindows(of: number)
        try await lookAtWords(about: number)
    }

    private func lookAtWindows(of number: UInt64) async throws {
        guard let windows = held(number)?.settings.windows else { return }
        try await decide(windows.isOpen(at: now) ? .lift(.windowClosed) : .hold(.windowClosed), number)
    }

    /// Whether the statement about the master still holds, and whether the master was withdrawn. Where the tracker knows no
    /// publishers, hosts find that out themselves.
    private func lookAtWords(about number: UInt64) async throws {
        guard let root, let master = held(number)?.target.master, let version = Int(exactly: master.version),
            let name = master.name(version)
        else { return }
        if let statement = try await signed(MasterStatement.self, about: .master(name), root) {
            let hasExpired = statement.expires <= now.milliseconds / 1000
            try await decide(hasExpired ? .hold(.trustExpired) : .lift(.trustExpired), number)
        }
        if let pointer = try await signed(LinePointer.self, about: .line(master.line), root),
            pointer.revoked.contains(version)
        {
            try await decide(.revoked, number)
        }
    }

    func signed<Statement: SignedStatement>(
        _ type: Statement.Type, about subject: SignedSubject, _ root: TrustRoot
    ) async throws -> Statement? {
        guard let json = try await storage.envelope(of: subject), let envelope = try? SignedEnvelope(json: json) else {
            return nil
        }
        return try? envelope.statement(type, signedBy: root)
    }

    /// The smallest version that a master may follow, by what its publishers signed about this content.
    func followed(by published: PublishedMaster, _ master: MasterName) async throws -> UInt64? {
        guard let root, let statement = try await signed(MasterStatement.self, about: .master(master), root),
            statement.infoHashV2 == published.infoHashV2
        else { return nil }
        return statement.follows.flatMap(UInt64.init(exactly:))
    }

    /// Hosts that were shut out are no longer part of any rollout.
    private func lookAtHosts() async throws {
        var after: String?
        repeat {
            let page = try await storage.revokedCertificates(
                at: now.milliseconds / 1000, after: after, limit: StorageLimits.page)
            for host in Set(page.elements.map(\.host)) {
                guard let name = HostName(host), hosts.isKnown(name), try await storage.host(host)?.revoked != nil
                else { continue }
                try await decide(.left(name))
                hosts.remove(name)
                presence.forget(name)
                activities.forget(name)
                untold.remove(name)
                halfSilent.remove(name)
            }
            after = page.next
        } while after != nil
    }

    /// A rollout that something outside may hold.
    private func held(_ number: UInt64) -> Rollout? {
        guard let rollout = rollouts[number] else { return nil }
        return rollout.phase.isTerminal && !rollout.phase.isSuccess ? nil : rollout
    }
}
