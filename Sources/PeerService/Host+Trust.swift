// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import ImageStore
import Metainfo
import TrackerProtocol
import Trust

/// What this host believes of what trackers and files say about masters.
extension Host {
    /// Asks trackers what publishers say of the lines in the store, and keeps what is believed.
    /// - Returns: what was not believed, a sentence each.
    func refreshTrust(from trackers: [TrackerURL]) async throws(HostFailure) -> [String] {
        guard trust.root != nil else { return [] }
        let lines = Set(store.masters().map(\.name.name)).union(store.partials().map(\.name.name)).sorted()
        var problems: [String] = []
        for tracker in trackers {
            for line in lines {
                if let problem = await takePointer(of: line, from: tracker) { problems.append(problem) }
            }
        }
        return problems
    }

    /// - Returns: why the tracker's pointer is not believed, if it has one and that is so.
    func takePointer(of line: String, from tracker: TrackerURL) async -> String? {
        do {
            guard let pointer = try await TrackerClient.shared.pointer(of: line, at: tracker) else { return nil }
            try trust.accept(pointer: pointer, of: line)
            return nil
        } catch {
            return "\(tracker.base), pointer of \(line): \(HostFailure(error).message)"
        }
    }

    /// Whether a master may be fetched here: before a byte of it is. A host that trusts nobody in particular takes
    /// anything; one that does takes what its publishers have signed, and the rest only when told to, which is put on
    /// record.
    func checkTrust(
        in name: MasterName, _ metainfo: Metainfo, order: HostRequest.Fetch, from tracker: TrackerURL?
    ) async throws {
        guard trust.root != nil else { return }
        if order.unsigned {
            try audit.add("master.fetch", "\(name)", outcome: "done without signatures")
            return
        }
        var envelope = try order.statement.map { try SignedEnvelope(json: $0) }
        if let tracker {
            // A tracker that lies about where the line stands cannot make this host believe more than it did.
            _ = await takePointer(of: name.name, from: tracker)
            if envelope == nil { envelope = try await TrackerClient.shared.statement(about: name, at: tracker) }
        }
        guard let statement = envelope ?? trust.statement(of: name) else { throw HostFailure.unsigned(name) }
        try trust.accept(
            statement: statement, of: name, hashes: metainfo.infoHashes, size: metainfo.geometry.size,
            active: store.activeVersions(of: name.name).current)
    }
}
