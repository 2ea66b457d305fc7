// SPDX-License-Identifier: Apache-2.0

/// Going back to the version before: every host that may have the new one at once, without waves or gates.
extension Deliberation {
    mutating func returnAll(by actor: Actor?, _ reason: String?) {
        emit(.phase(.rollingBack, deadline: nil), by: actor, reason: reason)
        order(back: names(where: \.isExposed), by: .tracker, reason)
    }

    mutating func returnWave(_ number: Int, _ reason: String?) {
        order(back: names { $0.wave == number && $0.isExposed }, by: .tracker, reason)
    }

    /// Has hosts go back, or try it once more: those included that are no longer meant and may have the version active.
    mutating func order(back hosts: [HostName], by actor: Actor?, _ reason: String?) {
        guard !hosts.isEmpty else { return }
        emit(.hosts(hosts, .rollingBack, deadline: now + returnLimit), by: actor, reason: reason)
    }

    /// The rollout has gone back when nobody who could be reached is left; the others keep their orders.
    mutating func endReturn() -> Bool {
        guard !rollout.waves.contains(where: { $0.tally.reverting > 0 }) else { return false }
        emit(.phase(.rolledBack, deadline: nil), by: .tracker)
        return true
    }
}
