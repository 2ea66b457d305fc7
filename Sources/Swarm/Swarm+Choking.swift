// SPDX-License-Identifier: Apache-2.0

/// Whom to serve. Hosts of one fleet cooperate, so there is no tit-for-tat: whoever is interested is served at once
/// while there are slots, and beyond that the slots go round.
extension Swarm {
    mutating func choke(now: Duration) -> [Effect] {
        var effects: [Effect] = []
        for id in peers.keys.sorted() {
            guard let view = peers[id], !view.isChoked, !view.isInterested else { continue }
            effects.append(setChoking(true, id, now))
        }
        var waiting = peers.filter { $0.value.isChoked && $0.value.isInterested }.map { ($0.value.waitsSince, $0.key) }
            .sorted { $0 < $1 }
        var served = peers.filter { !$0.value.isChoked }.map { ($0.value.servedSince ?? .zero, $0.key) }
            .sorted { $0 < $1 }
        var free = limits.uploadSlots - served.count
        while let (_, next) = waiting.first {
            if free <= 0 {
                // The slot that was held longest goes round, once its term is over.
                guard let (since, oldest) = served.first, now - since >= limits.slotTerm else { break }
                served.removeFirst()
                effects.append(setChoking(true, oldest, now))
                free += 1
            }
            waiting.removeFirst()
            free -= 1
            effects.append(setChoking(false, next, now))
        }
        return effects
    }

    private mutating func setChoking(_ isChoking: Bool, _ id: ConnectionID, _ now: Duration) -> Effect {
        peers[id]?.isChoked = isChoking
        peers[id]?.servedSince = isChoking ? nil : now
        if isChoking { peers[id]?.waitsSince = now }
        return .command(id, .setChoking(isChoking))
    }
}
