// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerCore
import TrackerProtocol

@Suite struct LoadSheddingTests {
    @Test func `what tells something new is never turned away before what does not`() {
        var random = SeededGenerator(1)
        var isRegularShed = false
        for milliseconds in stride(from: 0, through: 8000, by: 50) {
            let lag = Duration.milliseconds(milliseconds)
            let regular = LoadShedding.retryAfter(nil, isKnown: true, lag: lag, using: &random)
            isRegularShed = regular != nil
            #expect(isRegularShed == (milliseconds > 250) && isRegularShed == LoadShedding.isNeeded(lag: lag))
            let paused = LoadShedding.retryAfter(.paused, isKnown: true, lag: lag, using: &random)
            #expect((paused != nil) == isRegularShed)
            var news = AnnounceEvent.allCases.filter { $0 != .paused }.map {
                LoadShedding.retryAfter($0, isKnown: true, lag: lag, using: &random)
            }
            // Whoever announces to a tracker that has forgotten it, or was started anew, tells something new as well.
            news += [nil, .paused].map { LoadShedding.retryAfter($0, isKnown: false, lag: lag, using: &random) }
            #expect(news.count == 5 && news.allSatisfy { ($0 != nil) == (milliseconds > 5000) })
            if let regular { #expect((10...30).contains(regular)) }
        }
    }
}
