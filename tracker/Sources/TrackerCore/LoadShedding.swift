// SPDX-License-Identifier: Apache-2.0

package import TrackerProtocol

/// Whether an announce is turned away because the tracker is behind with its work.
///
/// Regular announces go first: whoever sends one is known already, and its swarm works on without. What tells something new
/// (started, completed, stopped) is turned away only when hardly anything can be answered in time any more.
package enum LoadShedding {
    /// How far behind the tracker is when it begins to turn regular announces away.
    static let regularLag = Duration.milliseconds(250)
    /// And when it turns all away.
    static let eventLag = Duration.seconds(5)
    /// When those who were turned away are asked to come back, in seconds.
    private static let retry = 10...30

    /// Whether an announce tells nothing new of a peer that is known. One that has paused says so each time (BEP 21).
    package static func isRegular(_ event: AnnounceEvent?) -> Bool { event == nil || event == .paused }

    /// Whether the tracker is so far behind that it turns anything away.
    package static func isNeeded(lag: Duration) -> Bool { lag > regularLag }

    /// - Parameters:
    ///   - isKnown: whether the peer is known; a regular announce of one that is not is news.
    ///   - lag: how much later than it should the tracker gets to its work.
    /// - Returns: the seconds after which to come back, or `nil` when the announce is to be answered.
    package static func retryAfter(
        _ event: AnnounceEvent?, isKnown: Bool, lag: Duration, using random: inout some RandomNumberGenerator
    ) -> Int? {
        guard lag > (isKnown && isRegular(event) ? regularLag : eventLag) else { return nil }
        return Int.random(in: retry, using: &random)
    }
}
