// SPDX-License-Identifier: Apache-2.0

import FileLayer
import FoundationEssentials
import Glibc
import ImageStore
package import Metainfo
import Synchronization
package import Trust

/// Whom this host trusts and what it has seen signed, in the store's folder `trust`. What the ledger accepts is on disk
/// before anybody hears of it.
package final class HostTrust: Sendable {
    private static let format = 1

    private struct Kept: Codable {
        var format: Int
        var ledger: TrustLedger
    }

    private let layout: StoreLayout
    private let files: any FileAccess
    private let clock: @Sendable () -> Int64
    private let ledger: Mutex<TrustLedger?>

    /// - Throws: ``HostFailure`` when something was pinned that cannot be read: a host must not forget whom it trusts.
    init(
        _ layout: StoreLayout, _ files: any FileAccess, clock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
    ) throws(HostFailure) {
        self.layout = layout
        self.files = files
        self.clock = clock
        let path = Self.ledgerPath(layout)
        do {
            guard try files.status(path) != nil else {
                ledger = Mutex(nil)
                return
            }
            let kept = try JSONDecoder().decode(Kept.self, from: Data(files.contents(of: path, limit: 64 << 20)))
            guard kept.format <= Self.format else {
                throw HostFailure(.failed, "\(path) was written by a newer version; use that")
            }
            ledger = Mutex(kept.ledger)
        } catch {
            throw HostFailure(
                .failed,
                "\(path), which says whom this host trusts, cannot be read (\(error)); restore it from a backup, or "
                    + "remove it and pin the trust root again")
        }
    }

    /// The publishers this host trusts; `nil` while none are pinned, and masters need no signatures.
    package var root: TrustRoot? { ledger.withLock { $0?.root } }

    package var snapshot: TrustLedger? { ledger.withLock { $0 } }

    package func isRevoked(_ name: MasterName) -> Bool { ledger.withLock { $0?.isRevoked(name) ?? false } }

    /// Pins the first root, or puts a later one in its place.
    /// - Throws: ``HostFailure`` with the refusal's reason.
    package func pin(_ envelope: SignedEnvelope) throws(HostFailure) {
        try change { ledger throws(TrustRefusal) in
            guard ledger != nil else {
                ledger = TrustLedger(root: try TrustRoot.first(envelope))
                return
            }
            try ledger?.replaceRoot(envelope)
        }
    }

    /// Takes in a pointer. Nothing happens where no root is pinned.
    package func accept(pointer envelope: SignedEnvelope, of line: String) throws(HostFailure) {
        let now = clock()
        try change { ledger throws(TrustRefusal) in
            _ = try ledger?.accept(pointer: envelope, of: line, now: now)
        }
    }

    /// Decides whether a master may be fetched, activated and cloned here, and keeps its statement.
    /// - Parameter active: the version that its line stands at.
    /// - Throws: ``HostFailure`` with the refusal's reason.
    package func accept(
        statement envelope: SignedEnvelope, of name: MasterName, for use: TrustLedger.Use = .fetching,
        hashes: InfoHashes, size: Int64, active: Int?
    ) throws(HostFailure) {
        let now = clock()
        try change { ledger throws(TrustRefusal) in
            guard var changed = ledger else { return }
            let statement = try changed.accept(statement: envelope, of: name, for: use, active: active, now: now)
            try TrustLedger.check(statement, isAbout: hashes, size: size)
            ledger = changed
        }
        try keep(envelope, of: name)
    }

    /// Keeps a statement beside the store's masters, so that it can be published and shown.
    package func keep(_ envelope: SignedEnvelope, of name: MasterName) throws(HostFailure) {
        try HostFailure.wrapping {
            for folder in [layout.trust, statements] { try files.makeDirectory(folder) }
            try files.replace(statementPath(name), with: envelope.json)
        }
    }

    /// The statement about a master, if this host has one.
    package func statement(of name: MasterName) -> SignedEnvelope? {
        guard let json = try? files.contents(of: statementPath(name), limit: SignedEnvelope.byteLimit) else {
            return nil
        }
        return try? SignedEnvelope(json: json)
    }

    /// A master is gone, and its statement goes with it.
    func forget(_ name: MasterName) { try? files.remove(statementPath(name)) }

    private func change(
        _ body: (inout TrustLedger?) throws(TrustRefusal) -> Void
    ) throws(HostFailure) {
        do {
            try ledger.withLock { ledger in
                var changed = ledger
                try body(&changed)
                guard let changed, changed != ledger else { return }
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys]
                let bytes = Array(try encoder.encode(Kept(format: Self.format, ledger: changed)))
                try files.makeDirectory(layout.trust)
                try files.syncDirectory(layout.root)
                try files.replace(Self.ledgerPath(layout), with: bytes)
                ledger = changed
            }
        } catch {
            throw HostFailure(error)
        }
    }

    private static func ledgerPath(_ layout: StoreLayout) -> String { "\(layout.trust)/ledger.json" }
    private var statements: String { "\(layout.trust)/statements" }
    private func statementPath(_ name: MasterName) -> String { "\(statements)/\(name).json" }
}
