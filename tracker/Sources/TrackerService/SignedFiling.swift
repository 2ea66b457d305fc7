// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
import HTTPTypes
import Metainfo
import TrackerProtocol
import TrackerStorage
import Trust

/// What publishers have signed, filed as the catalogue passes it on. The tracker holds no key and vouches for nothing:
/// hosts check every signature themselves.
struct SignedFiling: Sendable {
    let storage: any CatalogueStorage
    /// The publishers whose words are passed on; anybody's when `nil`.
    let root: TrustRoot?

    /// What became of a signed statement or pointer.
    enum Outcome: Equatable, Sendable {
        /// It is what hosts are given from now on.
        case filed
        /// What hosts are given is newer, or contradicts it; nothing was changed.
        case superseded
        /// It speaks of a master or line that is not in the catalogue, or of other content than is.
        case unfitting
    }

    /// How often it is tried when others file at the same time; each time one of them gets through.
    private static let tries = 16

    /// Files a statement about a master. The same statement again adds its signatures to those there are; another one
    /// takes the place of one that was made earlier, and of one that the root's publishers have not signed.
    func file(_ envelope: SignedEnvelope, _ statement: MasterStatement, about master: MasterName) async throws
        -> Outcome
    {
        guard let entry = try await storage.master(master), entry.infoHashV2 == statement.infoHashV2,
            entry.size == statement.size
        else { return .unfitting }
        return try await file(envelope, of: .master(master)) {
            try $0.unchecked(MasterStatement.self).created < statement.created
        }
    }

    /// Files a pointer of a line, which takes the place of those with lower serials.
    func file(_ envelope: SignedEnvelope, _ pointer: LinePointer) async throws -> Outcome {
        guard try await storage.newestMaster(of: pointer.name) != nil else { return .unfitting }
        return try await file(envelope, of: .line(pointer.name)) {
            try $0.unchecked(LinePointer.self).serial < pointer.serial
        }
    }

    private func file(
        _ envelope: SignedEnvelope, of subject: SignedSubject, over isOlder: (SignedEnvelope) throws -> Bool
    ) async throws -> Outcome {
        for _ in 0..<Self.tries {
            let filed = try await storage.envelope(of: subject)
            guard let next = Self.merge(envelope, filed.flatMap(known), over: isOlder) else { return .superseded }
            if try await storage.replaceEnvelope(of: subject, filed, with: Array(next.json)) { return .filed }
        }
        throw APIError(.serviceUnavailable, .busy, "Others are filing at the same time; try again in a moment.")
    }

    /// What was filed before, unless it was so without a root that would have refused it.
    private func known(_ json: [UInt8]) -> SignedEnvelope? {
        guard let envelope = try? SignedEnvelope(json: json) else { return nil }
        guard let root else { return envelope }
        return envelope.signers(of: root).count >= root.threshold ? envelope : nil
    }

    /// What is filed when `envelope` comes to what is known; `nil` when that stays as it is.
    private static func merge(
        _ envelope: SignedEnvelope, _ known: SignedEnvelope?, over isOlder: (SignedEnvelope) throws -> Bool
    ) -> SignedEnvelope? {
        guard let known else { return envelope }
        if let together = known.joined(with: envelope) { return together }
        return (try? isOlder(known)) ?? true ? envelope : nil
    }
}
