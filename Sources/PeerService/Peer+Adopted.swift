// SPDX-License-Identifier: Apache-2.0

import ImageStore
import Logging
import Metainfo

/// What a running peer knows of masters that lie elsewhere.
extension Peer {
    /// How often adopted masters are looked at.
    private static let adoptedInterval = Duration.seconds(5)

    /// All masters. A file server that does not answer for an adopted one takes its time, which is not the actor's.
    func masters() async -> [Master] {
        (try? await host.blocking { [host] in host.store.masters() }) ?? []
    }

    /// Says when the share of an adopted master is lost, and when it is back.
    func watchAdopted(_ masters: [Master]) {
        note(adopted.take(masters))
        adoptedTask = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.adoptedInterval)
                await self?.lookAtAdopted()
            }
        }
    }

    private func lookAtAdopted() async {
        guard !isStopping else { return }
        note(adopted.take(await masters()))
    }

    private func note(_ notices: [AdoptedWatch.Notice]) {
        for notice in notices {
            switch notice {
            case .lost(let name, let reason):
                log.warning(
                    "an adopted master cannot be used", metadata: ["master": "\(name)", "reason": "\(reason)"])
            case .found(let name): log.info("an adopted master can be used again", metadata: ["master": "\(name)"])
            }
        }
    }
}
