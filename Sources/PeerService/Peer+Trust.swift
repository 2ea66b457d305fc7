// SPDX-License-Identifier: Apache-2.0

import ImageStore
import Logging
import TrackerProtocol

/// What a running peer does about what publishers say, and about masters that go.
extension Peer {
    /// How often each tracker is asked.
    private static let trustInterval = Duration.seconds(300)

    /// Asks a tracker now and then what publishers say of the lines in the store. Each tracker has a task of its own, so
    /// that one that does not answer holds back nothing that another one knows.
    func watchTrust(at tracker: TrackerURL) -> Task<Void, Never> {
        Task { [weak self] in
            while !Task.isCancelled {
                await self?.refreshTrust(from: tracker)
                try? await Task.sleep(for: Self.trustInterval)
            }
        }
    }

    private func refreshTrust(from tracker: TrackerURL) async {
        guard !isStopping, host.trust.root != nil else { return }
        for line in host.trustedLines {
            if let problem = await host.takePointer(of: line, from: tracker) {
                log.warning("a signed pointer is not believed", metadata: ["reason": "\(problem)"])
            }
            await leaveRevoked()
        }
    }

    /// What its publishers have revoked is neither served nor fetched from this moment on.
    func leaveRevoked() async {
        for name in images where host.trust.isRevoked(name) {
            log.warning("a master was revoked and is no longer served", metadata: ["master": "\(name)"])
            await leave(name)
        }
    }

    /// Removes masters that nothing needs, and leaves their swarms.
    func prune(
        _ request: HostRequest, _ progress: @escaping @Sendable (HostProgress) -> Void
    ) async throws(HostFailure) -> HostReply {
        let reply = try await host.perform(request, progress: progress)
        let left = await Set(masters().map(\.name)).union(host.store.partials().map(\.name))
        for name in images where !left.contains(name) { await leave(name) }
        return reply
    }
}
