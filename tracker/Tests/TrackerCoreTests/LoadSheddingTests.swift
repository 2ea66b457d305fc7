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
            let regular = LoadShedding.retryAfter(nil, lag: lag, using: &random)
            isRegularShed = regular != nil
            #expect(isRegularShed == (milliseconds > 250))
            for event in AnnounceEvent.allCases {
                let retry = LoadShedding.retryAfter(event, lag: lag, using: &random)
                #expect(retry == nil || isRegularShed)
                #expect((retry != nil) == (milliseconds > 5000))
            }
            if let regular { #expect((10...30).contains(regular)) }
        }
    }
}
