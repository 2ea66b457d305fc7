// SPDX-License-Identifier: Apache-2.0

/// Whom to serve. Hosts of one fleet cooperate, so there is no tit-for-tat: whoever is interested is served at once
/// while there are slots, and beyond that the slots go round. Only those that keep what they are given to themselves wait
/// for a term, while enough others take something.
extension Swarm {
    mutating func choke(now: Duration) -> [Effect] {
        var effects: [Effect] = []
        for id in peers.keys.sorted() {
            guard peers[id]?.isChoked == false, peers[id]?.isInterested == false else { continue }
            effects += setChoking(true, id, now)
        }
        let interested = peers.keys.filter { peers[$0]?.isInterested == true }.sorted()
        expose(among: interested, now: now)
        let others = interested.filter { peers[$0].map { now >= $0.waitsUntil } ?? false }
        guard !others.isEmpty, others.count < interested.count else {
            return effects + serve(interested, now: now)
        }
        // What the others leave, when too few of those take anything to fill this side's uplink.
        let isBusy = others.count { takes($0, now) } >= limits.enoughServed
        let keepers = interested.filter { !others.contains($0) }
        effects += share(isBusy ? 0 : max(1, limits.uploadSlots - others.count), among: keepers, now: now)
        return effects + serve(others, now: now)
    }

    /// Gives slots to these peers: most of them to those in other racks, as far as they want any.
    private mutating func serve(_ group: [ConnectionID], now: Duration) -> [Effect] {
        let foreign = group.filter { peers[$0]?.isForeign == true }
        guard !foreign.isEmpty else { return share(limits.uploadSlots, among: group, now: now) }
        let near = group.filter { peers[$0]?.isForeign == false }
        let slots = min(near.count, limits.slotsInRack, max(1, limits.uploadSlots / 2))
        let effects = share(slots, among: near, now: now)
        return effects + share(limits.uploadSlots - slots, among: foreign, now: now)
    }

    /// Has those wait that keep what they are given, and offers that to others. What they do later counts anew.
    private mutating func expose(among interested: [ConnectionID], now: Duration) {
        for id in relaying?.keepers(among: interested) ?? [] {
            peers[id]?.waitsUntil = now + limits.keeperTerm
            lose(id, all: true)
        }
    }

    /// Whether a peer is being served and makes use of it.
    private func takes(_ id: ConnectionID, _ now: Duration) -> Bool {
        guard let view = peers[id], let since = view.servedSince else { return false }
        return view.sent > view.sentBeforeSlot || now - since < limits.unusedSlotTerm
    }

    /// Gives `slots` slots to some of these peers, and takes away those there are more.
    private mutating func share(_ slots: Int, among group: [ConnectionID], now: Duration) -> [Effect] {
        let views = group.compactMap { id in peers[id].map { (id: id, view: $0) } }
        let served = views.filter { !$0.view.isChoked }
        var waiting = views.filter(\.view.isChoked).map { ($0.view.waitsSince, $0.id) }.sorted { $0 < $1 }[...]
        let longest = served.map { ($0.view.servedSince ?? .zero, $0.id) }.sorted { $0 < $1 }
        var effects: [Effect] = []
        var free = slots - served.count
        for (_, id) in longest.prefix(max(0, -free)) { effects += setChoking(true, id, now) }
        // The slots that were held longest go round, once their terms are over.
        var yielding = longest.dropFirst(max(0, -free)).filter { _, id in
            peers[id].map { hasHadItsTerm($0, now) } ?? false
        }[...]
        free = max(0, free)
        while let (_, next) = waiting.first {
            if free <= 0 {
                guard let (_, oldest) = yielding.popFirst() else { break }
                effects += setChoking(true, oldest, now)
                free += 1
            }
            waiting.removeFirst()
            free -= 1
            effects += setChoking(false, next, now)
        }
        return effects
    }

    /// A term lasts long enough to finish something: with many peers on a slow uplink, terms of a few seconds alone
    /// would end before any extent is whole, and nobody would ever complete one. Who takes nothing has no such claim.
    private func hasHadItsTerm(_ view: PeerView, _ now: Duration) -> Bool {
        guard let since = view.servedSince, now - since >= limits.slotTerm else { return false }
        let sent = view.sent - view.sentBeforeSlot
        // What is sent is told only when it has left, which under a cap takes its time.
        guard sent > 0 else { return now - since >= limits.unusedSlotTerm }
        return sent >= limits.slotLength || now - since >= limits.longestSlotTerm
    }

    private mutating func setChoking(_ isChoking: Bool, _ id: ConnectionID, _ now: Duration) -> [Effect] {
        let sent = peers[id]?.sent ?? 0
        peers[id]?.isChoked = isChoking
        peers[id]?.servedSince = isChoking ? nil : now
        peers[id]?.sentBeforeSlot = sent
        guard isChoking else { return suggest(to: id, now: now) + [.command(id, .setChoking(false))] }
        peers[id]?.waitsSince = now
        suggestions?.withdraw(from: id)
        return [.command(id, .setChoking(true))]
    }
}
