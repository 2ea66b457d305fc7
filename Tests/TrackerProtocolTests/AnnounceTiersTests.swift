// SPDX-License-Identifier: Apache-2.0

import Testing
import TrackerProtocol

/// In which order trackers are tried (BEP 12).
@Suite struct AnnounceTiersTests {
    private func urls(_ names: String) throws -> [TrackerURL] {
        try names.map { try #require(TrackerURL("http://\($0)")) }
    }

    @Test func `tiers keep their order, and each is shuffled in itself`() throws {
        let (first, second) = (try urls("abcdef"), try urls("ghijkl"))
        var orders: Set<[TrackerURL]> = []
        for seed in 0..<20 {
            var random = SeededGenerator(UInt64(seed))
            let order = AnnounceTiers([first, [], second], using: &random).order
            #expect(Set(order.prefix(6)) == Set(first) && Set(order.suffix(6)) == Set(second))
            orders.insert(order)
        }
        #expect(orders.count > 10)
    }

    @Test func `whoever answered is the first of its tier the next time`() throws {
        var random = SeededGenerator(1)
        let (first, second) = (try urls("abc"), try urls("de"))
        var tiers = AnnounceTiers([first, second], using: &random)
        let last = tiers.order[4]
        tiers.answered(last)
        #expect(tiers.order[3] == last)
        let third = tiers.order[2]
        let others = Array(tiers.order.prefix(2))
        tiers.answered(third)
        #expect(Array(tiers.order.prefix(3)) == [third] + others)
        tiers.answered(try #require(TrackerURL("http://stranger")))
        #expect(tiers.order.count == 5)
    }

    @Test func `a torrent cannot name trackers without end`() throws {
        let many = try (0..<100).map { try #require(TrackerURL("http://t\($0)")) }
        var random = SeededGenerator(1)
        #expect(AnnounceTiers([many, many], using: &random).order.count == AnnounceTiers.maximumCount)
        let single = many.map { [$0] }
        #expect(AnnounceTiers(single, using: &random).order == Array(many.prefix(AnnounceTiers.maximumCount)))
        #expect(AnnounceTiers([[], []], using: &random).isEmpty)
    }
}
