// SPDX-License-Identifier: Apache-2.0

import CloneBench
import Testing

@Suite struct StatisticsTests {
    @Test func `the median is the middle one, or between the two`() {
        #expect(Spread([3, 1, 2]).map { [$0.min, $0.median, $0.max] } == [1, 2, 3])
        #expect(Spread([4, 1, 2, 10])?.median == 3)
        #expect(Spread([]) == nil)
    }

    @Test func `percentiles are values that were measured`() {
        let values = (1...100).map(Double.init).shuffled()
        let times = CreationTimes([Array(values[..<30]), [], Array(values[30...])])
        #expect(times.map { [$0.p50, $0.p99, $0.min, $0.max] } == [50, 99, 1, 100])
        #expect(CreationTimes([[7]]).map { [$0.p50, $0.p99] } == [7, 7])
        #expect(CreationTimes([[1, 2], [3]])?.p99 == 3)
        #expect(CreationTimes([[1, 2, 3], [4, 5, 9]]).map { [$0.medians.min, $0.medians.max] } == [2, 5])
        #expect(CreationTimes([]) == nil)
        #expect(CreationTimes([[], []]) == nil)
    }

    @Test func `twice and half come to nothing`() throws {
        let mean = try #require([2.0, 0.5, 1].geometricMean)
        #expect(abs(mean - 1) < 1e-12)
        #expect([1, 0].geometricMean == nil)
        #expect([Double]().geometricMean == nil)
    }

    @Test func `only values that lie wholly above are ahead`() throws {
        let low = try #require(Spread([1, 2, 3]))
        #expect(try #require(Spread([4, 5])).isClearlyAbove(low))
        #expect(try #require(Spread([3, 5])).isClearlyAbove(low) == false)
        #expect(try #require(Spread([9])).isClearlyAbove(low) == false, "one value shows no spread")
    }

    @Test(arguments: [
        (0.0004321, "0.432 ms"), (0.0021, "2.10 ms"), (0.0255, "25.5 ms"), (0.9999, "1,000 ms"), (1.314, "1.31 s"),
        (99.96, "100 s"), (0, "0.000 ms"),
    ])
    func `times have three digits`(seconds: Double, text: String) {
        #expect(FigureText.time(seconds) == text)
    }

    @Test func `rates have three digits and their unit`() {
        #expect(FigureText.rate(1234.0 * 1_048_576, of: .sequentialRead) == "1,230 MiB/s")
        #expect(FigureText.rate(45_678, of: .randomWriteFirst) == "45,700/s")
        #expect(FigureText.rate(1_234_567, of: .randomReadAgain) == "1,230,000/s")
        #expect(FigureText.rate(.nan, of: .randomReadAgain) == "?/s")
        #expect(FigureText.ratio(0.926) == "0.93")
        #expect(FigureText.bytes(12 << 10) == "12 KiB")
        #expect(FigureText.bytes(3 << 29) == "1.5 GiB")
    }
}
