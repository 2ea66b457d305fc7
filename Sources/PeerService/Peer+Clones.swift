// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import ImageStore
import Logging
import Metainfo

/// What a running peer does for the clones of its host.
extension Peer {
    /// Looks now and then at the clones that can run full, and says so in time.
    func watchClones() async {
        while !isStopping {
            let found = (try? await host.blocking { [host] in host.cloneWarnings() }) ?? []
            for warning in found where !warnings.contains(warning) {
                log.warning("a clone needs care", metadata: ["finding": "\(warning)"])
            }
            warnings = found
            do { try await Task.sleep(for: Self.watchInterval) } catch { return }
        }
    }

    private static let watchInterval = Duration.seconds(30)

    /// Finishes what this peer was doing for clones when it was last stopped. Copies take their time, so that nobody waits
    /// for it.
    func finishClones() async {
        for (name, request) in host.store.unfinishedRequests() {
            if Task.isCancelled { return }
            guard let wish = request.clones else { continue }
            do {
                try await host.blocking { [host] in
                    // They may have been made before the request could be forgotten.
                    if try !host.hasClones(wish.base, count: wish.count, of: name) {
                        _ = try host.makeClones(wish.base, count: wish.count, of: name, backend: wish.backend)
                    }
                    try host.store.finishRequest(of: name)
                }
            } catch {
                log.error(
                    "clones cannot be made", metadata: ["master": "\(name)", "reason": "\(HostFailure(error).message)"])
            }
        }
        try? await host.interruptible { [host] in host.finishRefreshes(isCancelled: $0) }
    }
}
