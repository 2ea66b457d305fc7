// SPDX-License-Identifier: Apache-2.0

import Metainfo

/// What somebody who had everything from the start says to those it serves: what to come for.
extension Swarm {
    /// Suggests pieces to a peer, as far as it is going to come for more soon.
    mutating func suggest(to id: ConnectionID, now: Duration) -> [Effect] {
        guard suggestions != nil, let slot = slots[id], slot.isInterested, !slot.isChoked, let view = peers[id] else {
            return []
        }
        let rate = view.uploadRate / Double(metainfo.geometry.pieceLength)
        let served = slots.all.count { !$0.isChoked }
        let found =
            suggestions?.more(
                for: id, having: view.pieces, rate: rate, served: served, geometry: metainfo.geometry, now: now) ?? []
        return found.isEmpty ? [] : [.command(id, .suggest(found))]
    }

    /// Suggests more to everybody who is served.
    mutating func suggest(now: Duration) -> [Effect] {
        guard suggestions != nil else { return [] }
        suggestions?.expire(now: now) { [peers, limits] id in
            peers[id].map { $0.uploadRate < limits.leastUsefulRate } ?? true
        }
        return order.flatMap { suggest(to: $0, now: now) }
    }

    /// What a peer was offered is offered to others.
    /// - Parameter all: also what it was given and nobody else has.
    mutating func lose(_ id: ConnectionID, all: Bool) {
        let kept = relaying?.forget(id, geometry: metainfo.geometry, areLost: all) ?? []
        suggestions?.forget(id, lost: all ? kept : [])
    }
}
