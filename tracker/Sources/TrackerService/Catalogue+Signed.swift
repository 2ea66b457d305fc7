// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import GRDB
package import Metainfo
import TrackerProtocol
package import Trust

/// What publishers have signed, as the catalogue passes it on. The tracker holds no key and vouches for nothing: hosts
/// check every signature themselves.
extension Catalogue {
    /// What became of a signed statement or pointer.
    package enum Filing: Equatable, Sendable {
        /// It is what hosts are given from now on.
        case filed
        /// What hosts are given is newer, or contradicts it; nothing was changed.
        case superseded
        /// It speaks of a master or line that is not in the catalogue, or of other content than is.
        case unfitting
    }

    /// Files a statement about a master. The same statement again adds its signatures to those there are; another one
    /// takes the place of one that was made earlier, and of one that the root's publishers have not signed.
    package func file(
        _ envelope: SignedEnvelope, _ statement: MasterStatement, about master: MasterName, root: TrustRoot? = nil
    ) async throws(CatalogueError) -> Filing {
        try await write { database in
            guard let entry = try Self.fetch(master, from: database), entry.infoHashV2 == statement.infoHashV2,
                entry.size == statement.size
            else { return .unfitting }
            let known = try Data.fetchOne(
                database, sql: "SELECT envelope FROM statement WHERE name = ? AND version = ?",
                arguments: [master.name, master.version]
            ).flatMap { Self.known($0, root) }
            guard
                let filed = Self.merge(
                    envelope, known, isNewer: { try $0.unchecked(MasterStatement.self).created < statement.created })
            else { return .superseded }
            try database.execute(
                sql: "INSERT OR REPLACE INTO statement (name, version, envelope) VALUES (?, ?, ?)",
                arguments: [master.name, master.version, Data(filed.json)])
            return .filed
        }
    }

    /// Files a pointer of a line, which takes the place of those with lower serials.
    package func file(
        _ envelope: SignedEnvelope, _ pointer: LinePointer, root: TrustRoot? = nil
    ) async throws(CatalogueError) -> Filing {
        try await write { database in
            let exists = try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM master WHERE name = ?)", arguments: [pointer.name])
            guard exists == true else { return .unfitting }
            let known = try Data.fetchOne(
                database, sql: "SELECT envelope FROM pointer WHERE name = ?", arguments: [pointer.name]
            ).flatMap { Self.known($0, root) }
            guard
                let filed = Self.merge(
                    envelope, known, isNewer: { try $0.unchecked(LinePointer.self).serial < pointer.serial })
            else { return .superseded }
            try database.execute(
                sql: "INSERT OR REPLACE INTO pointer (name, envelope) VALUES (?, ?)",
                arguments: [pointer.name, Data(filed.json)])
            return .filed
        }
    }

    /// The statement about a master as an envelope in JSON, or `nil` when there is none.
    package func statement(about master: MasterName) async throws(CatalogueError) -> [UInt8]? {
        try await bytes(
            "SELECT envelope FROM statement WHERE name = ? AND version = ?", [master.name, master.version])
    }

    /// The pointer of a line as an envelope in JSON, or `nil` when there is none.
    package func pointer(of line: String) async throws(CatalogueError) -> [UInt8]? {
        try await bytes("SELECT envelope FROM pointer WHERE name = ?", [line])
    }

    /// What was filed before, unless it was so without a root that would have refused it.
    private static func known(_ json: Data, _ root: TrustRoot?) -> SignedEnvelope? {
        guard let envelope = try? SignedEnvelope(json: json) else { return nil }
        guard let root else { return envelope }
        return envelope.signers(of: root).count >= root.threshold ? envelope : nil
    }

    /// What is filed when `envelope` comes to what is known; `nil` when that stays as it is.
    private static func merge(
        _ envelope: SignedEnvelope, _ known: SignedEnvelope?, isNewer: (SignedEnvelope) throws -> Bool
    ) -> SignedEnvelope? {
        guard let known else { return envelope }
        if let together = known.joined(with: envelope) { return together }
        return (try? isNewer(known)) ?? true ? envelope : nil
    }
}
