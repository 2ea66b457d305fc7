// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import ImageStore
import Metainfo
import TrackerProtocol
import Trust

/// What this host believes of what trackers and files say about masters.
extension Host {
    /// The lines that publishers may have something to say about.
    var trustedLines: [String] {
        Set(store.masters().map(\.name.name)).union(store.partials().map(\.name.name)).sorted()
    }

    /// Asks trackers what publishers say of the lines in the store, and keeps what is believed.
    /// - Returns: what could not be asked or is not believed, a sentence each.
    func refreshTrust(from trackers: [String]) async throws(HostFailure) -> [String] {
        let urls = try trackers.map { text throws(HostFailure) in try TrackerClient.url(text) }
        guard !urls.isEmpty else { throw HostFailure(.usage, "no tracker to ask; name one with --tracker URL") }
        guard trust.root != nil else {
            throw HostFailure(
                .notFound, "no publishers are pinned, so there is nothing to ask for (`drover trust pin FILE`)")
        }
        let lines = trustedLines
        return await withTaskGroup(of: [String].self) { group in
            for tracker in urls {
                group.addTask {
                    var problems: [String] = []
                    for line in lines {
                        if let problem = await self.takePointer(of: line, from: tracker) { problems.append(problem) }
                    }
                    return problems
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// - Returns: why the tracker's pointer is not believed, if it has one and that is so.
    func takePointer(of line: String, from tracker: TrackerURL) async -> String? {
        do {
            guard let pointer = try await trackerClient().pointer(of: line, at: tracker) else { return nil }
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
        try checkNotRevoked(name)
        if order.unsigned {
            try audit.add("master.fetch", "\(name)", outcome: "begun without signatures")
            return
        }
        var envelope = try order.statement.map { try SignedEnvelope(json: $0) }
        if let tracker {
            // A tracker that lies about where the line stands cannot make this host believe more than it did.
            _ = await takePointer(of: name.name, from: tracker)
            if envelope == nil { envelope = try await trackerClient().statement(about: name, at: tracker) }
        }
        guard let statement = envelope ?? trust.statement(of: name) else { throw HostFailure.unsigned(name) }
        try trust.accept(
            statement: statement, of: name, hashes: metainfo.infoHashes, size: metainfo.geometry.size,
            active: store.activeVersions(of: name.name).current)
    }

    /// Whether a fetch that an earlier run began may go on: also publishers who were pinned since then must agree.
    func checkResumable(_ partial: PartialSummary) throws(HostFailure) {
        try checkNotRevoked(partial.name)
        guard trust.root != nil, partial.request.unsigned != true else { return }
        guard let statement = trust.statement(of: partial.name) else { throw .unsigned(partial.name) }
        try trust.accept(
            statement: statement, of: partial.name, for: .using, hashes: partial.infoHashes, size: partial.size,
            active: store.activeVersions(of: partial.name.name).current)
    }

    /// Whether new clones may be made of a master. The active version was judged when it was activated; what has expired
    /// since then is no reason to leave a host without clones.
    func checkClonable(_ master: Master, unsigned: Bool) throws(HostFailure) {
        try checkNotRevoked(master.name)
        let active = store.activeVersions(of: master.name.name).current
        guard trust.root != nil, active != master.name.version else { return }
        if unsigned { return try audit.add("clone.create", "\(master.name)", outcome: "begun without signatures") }
        try checkSigned(master, active: active)
    }

    /// A host with pinned publishers uses only what they have signed, and what still holds.
    func checkSigned(_ master: Master, active: Int?) throws(HostFailure) {
        guard let statement = trust.statement(of: master.name) else { throw .unsigned(master.name) }
        try trust.accept(
            statement: statement, of: master.name, for: .using, hashes: master.infoHashes, size: master.size,
            active: active)
    }
}
