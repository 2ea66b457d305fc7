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
            .sorted { $0 < $1 }[...]
        guard !waiting.isEmpty else { return effects }
        let served = peers.filter { !$0.value.isChoked }
        var free = limits.uploadSlots - served.count
        // The slots that were held longest go round, once their terms are over.
        var yielding = served.filter { hasHadItsTerm($0.value, now) }.map { ($0.value.servedSince ?? .zero, $0.key) }
            .sorted { $0 < $1 }[...]
        while let (_, next) = waiting.first {
            if free <= 0 {
                guard let (_, oldest) = yielding.popFirst() else { break }
                effects.append(setChoking(true, oldest, now))
                free += 1
            }
            waiting.removeFirst()
            free -= 1
            effects.append(setChoking(false, next, now))
        }
        return effects
    }

    /// A term lasts long enough to finish something: with many peers on a slow uplink, terms of a few seconds alone
    /// would end before any extent is whole, and nobody would ever complete one. Who takes nothing has no such claim.
    private func hasHadItsTerm(_ view: PeerView, _ now: Duration) -> Bool {
        guard let since = view.servedSince, now - since >= limits.slotTerm else { return false }
        let sent = view.sent - view.sentBeforeSlot
        return sent == 0 || sent >= limits.slotLength || now - since >= limits.longestSlotTerm
    }

    private mutating func setChoking(_ isChoking: Bool, _ id: ConnectionID, _ now: Duration) -> Effect {
        let sent = peers[id]?.sent ?? 0
        peers[id]?.isChoked = isChoking
        peers[id]?.servedSince = isChoking ? nil : now
        peers[id]?.sentBeforeSlot = sent
        if isChoking { peers[id]?.waitsSince = now }
        return .command(id, .setChoking(isChoking))
    }
}
