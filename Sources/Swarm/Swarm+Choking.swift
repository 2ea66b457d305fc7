// SPDX-License-Identifier: Apache-2.0

/// Whom to serve. Hosts of one fleet cooperate, so there is no tit-for-tat: whoever is interested is served at once
/// while there are slots, and beyond that the slots go round. Only those that keep what they are given to themselves wait
/// for a term, while enough others take something.
extension Swarm {
    /// Somebody who is interested, as of now.
    private struct Candidate {
        let id: ConnectionID
        let slot: UploadSlot
    }

    mutating func choke(now: Duration) -> [Effect] {
        var effects: [Effect] = []
        for (id, slot) in zip(slots.ids, slots.all) where !slot.isChoked && !slot.isInterested {
            effects += setChoking(true, id, now)
        }
        expose(now: now)
        let interested = candidates()
        let others = interested.filter { now >= $0.slot.waitsUntil }
        guard !others.isEmpty, others.count < interested.count else {
            return effects + serve(interested, now: now)
        }
        // What the others leave, when too few of those take anything to fill this side's uplink.
        let isBusy = others.count { takes($0, now) } >= limits.enoughServed
        let keepers = interested.filter { now < $0.slot.waitsUntil }
        effects += share(isBusy ? 0 : max(1, limits.uploadSlots - others.count), among: keepers, now: now)
        return effects + serve(others, now: now)
    }

    private func candidates() -> [Candidate] {
        zip(slots.ids, slots.all).compactMap { $1.isInterested ? Candidate(id: $0, slot: $1) : nil }
    }

    /// Gives slots to these peers: half of them at most to this side's rack, while others want any. Each slot gets an equal part of
    /// the uplink, and what goes to another rack is what all hosts there wait for.
    private mutating func serve(_ group: [Candidate], now: Duration) -> [Effect] {
        let foreign = group.filter(\.slot.isForeign)
        guard !foreign.isEmpty else { return share(limits.uploadSlots, among: group, now: now) }
        let near = group.filter { !$0.slot.isForeign }
        let slots = min(near.count, max(1, limits.uploadSlots / 2))
        let effects = share(slots, among: near, now: now)
        return effects + share(limits.uploadSlots - slots, among: foreign, now: now)
    }

    /// Has those wait that keep what they are given, and offers that to others. What they do later counts anew.
    private mutating func expose(now: Duration) {
        guard let relaying else { return }
        for id in relaying.keepers(among: candidates().map(\.id)) {
            slots[id]?.waitsUntil = now + limits.keeperTerm
            lose(id, all: true)
        }
    }

    /// Whether a peer is being served and makes use of it.
    private func takes(_ candidate: Candidate, _ now: Duration) -> Bool {
        guard let since = candidate.slot.servedSince else { return false }
        return candidate.slot.sent > 0 || now - since < limits.unusedSlotTerm
    }

    /// Gives `slots` slots to some of these peers, and takes away those there are more.
    private mutating func share(_ slots: Int, among group: [Candidate], now: Duration) -> [Effect] {
        let longest = group.filter { !$0.slot.isChoked }
            .sorted { ($0.slot.servedSince ?? .zero, $0.id) < ($1.slot.servedSince ?? .zero, $1.id) }
        let waiting = group.filter(\.slot.isChoked).sorted { ($0.slot.waitsSince, $0.id) < ($1.slot.waitsSince, $1.id) }
        let surplus = max(0, longest.count - slots)
        var effects: [Effect] = []
        for candidate in longest.prefix(surplus) { effects += setChoking(true, candidate.id, now) }
        // The slots that were held longest go round, once their terms are over.
        var yielding = longest.dropFirst(surplus)
        var free = max(0, slots - longest.count)
        for next in waiting {
            if free > 0 {
                free -= 1
            } else {
                guard let place = yielding.firstIndex(where: { hasHadItsTerm($0, now) }) else { break }
                effects += setChoking(true, yielding[place].id, now)
                yielding = yielding[(place + 1)...]
            }
            effects += setChoking(false, next.id, now)
        }
        return effects
    }

    /// A term lasts long enough to finish something: with many peers on a slow uplink, terms of a few seconds alone
    /// would end before any extent is whole, and nobody would ever complete one. Who takes nothing has no such claim.
    private func hasHadItsTerm(_ candidate: Candidate, _ now: Duration) -> Bool {
        guard let since = candidate.slot.servedSince, now - since >= limits.slotTerm else { return false }
        let sent = candidate.slot.sent
        // What is sent is told only when it has left, which under a cap takes its time.
        guard sent > 0 else { return now - since >= limits.unusedSlotTerm }
        return sent >= limits.slotLength || now - since >= limits.longestSlotTerm
    }

    private mutating func setChoking(_ isChoking: Bool, _ id: ConnectionID, _ now: Duration) -> [Effect] {
        slots[id]?.isChoked = isChoking
        slots[id]?.servedSince = isChoking ? nil : now
        slots[id]?.sent = 0
        guard isChoking else { return suggest(to: id, now: now) + [.command(id, .setChoking(false))] }
        slots[id]?.waitsSince = now
        suggestions?.withdraw(from: id)
        return [.command(id, .setChoking(true))]
    }
}
