// SPDX-License-Identifier: Apache-2.0

/// Trackers of which one is enough, in the order in which they are tried (BEP 12): tier by tier, and those of a tier in
/// an order of this peer's own, in which whoever answered comes first the next time.
package struct AnnounceTiers: Equatable, Sendable {
    /// The most trackers kept of a torrent; further ones are left out.
    package static let maximumCount = 32

    private var tiers: [[TrackerURL]]

    /// - Parameter tiers: best first; within each, the order is drawn by lot.
    package init(_ tiers: [[TrackerURL]], using random: inout some RandomNumberGenerator) {
        var room = Self.maximumCount
        self.tiers = []
        for tier in tiers where room > 0 && !tier.isEmpty {
            self.tiers.append(Array(tier.shuffled(using: &random).prefix(room)))
            room -= tier.count
        }
    }

    /// One tracker alone.
    package init(_ tracker: TrackerURL) { tiers = [[tracker]] }

    /// All trackers in the order in which to try them, each until one answers.
    package var order: [TrackerURL] { tiers.flatMap { $0 } }
    package var isEmpty: Bool { tiers.isEmpty }

    /// The tracker answered.
    package mutating func answered(_ tracker: TrackerURL) {
        for index in tiers.indices {
            // checked: both places are of what is there.
            guard let place = tiers[index].firstIndex(of: tracker) else { continue }
            tiers[index].insert(tiers[index].remove(at: place), at: 0)
            return
        }
    }
}
