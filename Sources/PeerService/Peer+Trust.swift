// SPDX-License-Identifier: Apache-2.0

import Logging

/// What a running peer does about what publishers say.
extension Peer {
    /// How often trackers are asked.
    private static let trustInterval = Duration.seconds(300)

    /// Asks trackers now and then what publishers say of the lines in the store.
    func watchTrust() -> Task<Void, Never> {
        Task { [weak self] in
            while !Task.isCancelled {
                await self?.refreshTrust()
                try? await Task.sleep(for: Self.trustInterval)
            }
        }
    }

    private func refreshTrust() async {
        guard !isStopping, host.trust.root != nil else { return }
        for problem in (try? await host.refreshTrust(from: configuration.trackers)) ?? [] {
            log.warning("a signed pointer is not believed", metadata: ["reason": "\(problem)"])
        }
        await leaveRevoked()
    }

    /// What its publishers have revoked is neither served nor fetched from this moment on.
    func leaveRevoked() async {
        for name in images where host.trust.isRevoked(name) {
            log.warning("a master was revoked and is no longer served", metadata: ["master": "\(name)"])
            await leave(name)
        }
    }
}
